import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalText,
  isJsonObject,
  isUlid,
  parseStrict,
  ulidTimeMs,
  type Json,
} from '@countersign/canonical';
import type { CallRecord, CallStore } from '@countersign/mcp-gate';
import { fileRunStore } from '@countersign/sdk/file-store';
import { makePrivateFolder } from '@countersign/durable-file';
import { readRegular } from './bounded-file.ts';
import { cliError, isSystemError } from './cli-error.ts';
import { createPrivate } from './data-folder.ts';

const CALL_FILE = /^([0-9A-Z]{26})\.call\.json$/;
const LIMITS = { maxBytes: 262_144, maxDepth: 2, maxMembers: 8 };
/** Of the actions of a gate: after it nothing of them may start any more. */
const LIFE_MS = 86_400_000;

/**
 * The calls for which a human was asked, one file each. They hold the arguments, so they are readable by their owner only, and go
 * when the call has ended or can start no more.
 */
export function fileCallStore(folder: string, nowMs: () => number): CallStore {
  const path = (actionId: string): string => join(folder, `${actionId}.call.json`);
  const locks = fileRunStore(folder);
  const remove = (actionId: string): Promise<void> => rm(path(actionId), { force: true });
  return {
    async find(call) {
      const found: CallRecord[] = [];
      for (const actionId of (await idsIn(folder)).sort()) {
        if (ulidTimeMs(actionId) + LIFE_MS < nowMs()) {
          await remove(actionId);
          continue;
        }
        const record = await readRecord(path(actionId), actionId);
        if (record?.call === call) found.push(record);
      }
      return found;
    },
    async create(record) {
      await makePrivateFolder(folder);
      await createPrivate(path(record.action_id), `${canonicalText({ ...record })}\n`);
    },
    remove,
    lock: (actionId) => locks.lock(`${actionId}.held`),
  };
}

async function idsIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.flatMap((name) => CALL_FILE.exec(name)?.[1] ?? []).filter(isUlid);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readRecord(path: string, actionId: string): Promise<CallRecord | undefined> {
  try {
    const bytes = await readRegular(path, LIMITS.maxBytes);
    const json = bytes === undefined ? null : parseStrict(bytes, LIMITS);
    if (isRecord(json, actionId)) return json as unknown as CallRecord;
  } catch (error) {
    // Another process has ended it.
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw damaged(path, error);
  }
  throw damaged(path);
}

function damaged(path: string, cause?: unknown): Error {
  return cliError('DATA_DAMAGED', `${path}: expected a record of mcp-gate`, { cause });
}

function isRecord(json: Json, actionId: string): boolean {
  return (
    isJsonObject(json) &&
    json['v'] === 'countersign.mcp-call.v1' &&
    json['action_id'] === actionId &&
    ['call', 'action'].every((name) => typeof json[name] === 'string')
  );
}
