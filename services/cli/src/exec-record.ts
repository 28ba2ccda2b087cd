import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalText,
  isJsonObject,
  isUlid,
  parseStrict,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { readRegular } from './bounded-file.ts';
import { cliError, CliError, isSystemError } from './cli-error.ts';
import type { CommandKeepsakes } from './command-line.ts';
import { createPrivate } from './data-folder.ts';
import type { FileLock } from '@countersign/sdk/file-store';
import { makePrivateFolder } from '@countersign/durable-file';
import { lockRecord } from './record-lock.ts';

/** What was asked for. Written before it is sent, so that an interrupted `exec` can send the very same again. */
export interface RequestRecord {
  readonly v: 'countersign.exec-request.v1';
  readonly action_id: string;
  /** Canonical text of the action. */
  readonly action: string;
  /** The signed request. */
  readonly frame: string;
  readonly keepsakes: CommandKeepsakes;
}

/** The one claim that this machine makes for the request. Written before it is sent. */
export interface UseRecord {
  readonly v: 'countersign.exec-use.v1';
  readonly use_id: string;
  readonly frame: string;
  /** Salts of the output digests, base64url. */
  readonly output_salts: { readonly stdout: string; readonly stderr: string };
  readonly claimed_at: string;
}

/** How it ended. Written before it is sent. */
export interface ReportRecord {
  readonly v: 'countersign.exec-report.v1';
  readonly result: 'succeeded' | 'failed' | 'unknown';
  readonly frame: string;
}

interface Parts {
  readonly request: RequestRecord;
  readonly use: UseRecord;
  readonly report: ReportRecord;
}

const SUFFIXES: Readonly<Record<keyof Parts, string>> = {
  request: '.json',
  use: '.use.json',
  report: '.report.json',
};
const LIMITS = { maxBytes: 1_048_576, maxDepth: 8, maxMembers: 1_000 };

type IsPart = (json: Json, actionId: string) => boolean;

const IS_PART: Readonly<Record<keyof Parts, IsPart>> = {
  request: (json, actionId) =>
    hasTexts(json, 'action', 'frame') &&
    json['v'] === 'countersign.exec-request.v1' &&
    json['action_id'] === actionId &&
    isKeepsakes(json['keepsakes']),
  use: (json) =>
    hasTexts(json, 'use_id', 'frame', 'claimed_at') &&
    json['v'] === 'countersign.exec-use.v1' &&
    hasTexts(json['output_salts'], 'stdout', 'stderr'),
  report: (json) =>
    hasTexts(json, 'frame') &&
    json['v'] === 'countersign.exec-report.v1' &&
    ['succeeded', 'failed', 'unknown'].some((result) => result === json['result']),
};

function isKeepsakes(json: Json | undefined): boolean {
  if (!isJsonObject(json) || !isJsonObject(json['salts'])) return false;
  const { stdin, salts } = json;
  return hasTexts(salts, ...Object.keys(salts)) && ['undefined', 'string'].includes(typeof stdin);
}

function hasTexts(json: Json | undefined, ...names: string[]): json is JsonObject {
  return isJsonObject(json) && names.every((name) => typeof json[name] === 'string');
}

/**
 * The files of one `exec`: each is written once and never changed. Whoever creates the use file is the only process that
 * may ever run the command. Its lock is held by the process that is at it, so that no other takes it for interrupted.
 */
export class ExecRecord {
  readonly #folder: string;
  readonly #id: string;

  constructor(requestsFolder: string, actionId: string) {
    if (!isUlid(actionId)) throw cliError('RESUME_UNKNOWN', 'expected the id of a request');
    this.#folder = requestsFolder;
    this.#id = actionId;
  }

  /** Where what the ledger promised and answered is kept: for whoever audits it, and nothing here goes by it. */
  get arrivalFile(): string {
    return join(this.#folder, `${this.#id}.arrival.json`);
  }

  async create<K extends keyof Parts>(part: K, content: Parts[K]): Promise<void> {
    await makePrivateFolder(this.#folder);
    await createPrivate(this.#path(part), `${canonicalText(content as unknown as Json)}\n`);
  }

  /** For the whole of an `exec`: whoever reads how far it came MUST hold it. @throws CliError RESUME_BUSY */
  async lock(): Promise<FileLock> {
    await makePrivateFolder(this.#folder);
    return lockRecord(join(this.#folder, `${this.#id}.lock`));
  }

  /** True for the one process that may go on from here. */
  async claim(content: UseRecord): Promise<boolean> {
    try {
      await this.create('use', content);
      return true;
    } catch (error) {
      if (error instanceof CliError && error.code === 'FILE_EXISTS') return false;
      throw error;
    }
  }

  async read<K extends keyof Parts>(part: K): Promise<Parts[K] | undefined> {
    const path = this.#path(part);
    try {
      const bytes = await readRegular(path, LIMITS.maxBytes);
      const json = bytes === undefined ? null : parseStrict(bytes, LIMITS);
      // Written whole, so that anything of another shape is none that `create` was given.
      if (IS_PART[part](json, this.#id)) return json as unknown as Parts[K];
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw cliError('DATA_DAMAGED', `${path}: expected a record of exec`, { cause: error });
    }
    throw cliError('DATA_DAMAGED', `${path}: expected a record of exec, of at most 1 MiB`);
  }

  /** Takes away what holds content; claims and reports hold digests only. */
  async forget(): Promise<void> {
    await rm(this.#path('request'), { force: true });
  }

  #path(part: keyof Parts): string {
    return join(this.#folder, `${this.#id}${SUFFIXES[part]}`);
  }
}
