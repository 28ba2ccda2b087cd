import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  canonicalText,
  isJsonObject,
  parseStrict,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import type { BootstrapRule, Policy, RecoveryRule, Separation } from '@countersign/binding';
import { createDurably, makePrivateFolder, replaceDurably } from '@countersign/durable-file';
import { readRegular } from './bounded-file.ts';
import { cliError, isSystemError } from './cli-error.ts';

/** A shard that a ledger has left, and the first place in its intake that the log had not decided then. */
export interface LeftShard {
  readonly shard: number;
  readonly intake: number;
}

/** What marks a folder as one of ours, and which ledger it holds. Written first, and changed only by a move of its ledger. */
export interface LedgerMark {
  readonly v: 'countersign.data.v1';
  readonly origin: string;
  readonly tenant: string;
  /** The partition of every topic that is this ledger's. The log says the same, and it alone counts. */
  readonly shard: number;
  /** What comes there is still brought over. */
  readonly left?: readonly LeftShard[];
  /** On Kafka, AWS KMS and PostgreSQL, as `cluster.json` says; else everything is in this folder. */
  readonly tier?: 'cluster';
  readonly demo: boolean;
  /** Where the gateway is reached: what the passkeys of this ledger are bound to. */
  readonly url: string;
  readonly rp_id: string;
  readonly separation: Separation;
  /** The first person, who owns the first agents. */
  readonly founder: string;
  /** Who else it was founded with, in the order of their links. */
  readonly cofounders?: readonly string[];
  /** What it is founded with; the log says the same. Without them the usual ones. */
  readonly policy?: Policy;
  readonly bootstrap?: BootstrapRule;
  /** Without it there is none. */
  readonly recovery?: RecoveryRule;
}

export interface DataFolder {
  readonly path: string;
  readonly brokerFile: string;
  readonly storeFile: string;
  readonly keysFolder: string;
  readonly logKey: string;
  readonly operatorKey: string;
  readonly agentKey: string;
  readonly executorKey: string;
  readonly mcpGateKey: string;
  readonly readToken: string;
  /** What the salts of company accounts follow from: docs/sign-in.md. */
  readonly subjectKey: string;
  readonly trustFile: string;
  readonly enrolmentLink: string;
  readonly requestsFolder: string;
  readonly markFile: string;
  /** Where the topics, the key and the read models of a ledger on a cluster are: docs/cluster.md. */
  readonly clusterFile: string;
  /** The newest head that was offered to witnesses. */
  readonly offeredFile: string;
  /** What proves, or says, that a witness knows another log. While it is there nothing is sealed. */
  readonly alarmFile: string;
  /** How far the public topics were moved. */
  readonly positionsFile: string;
  /** The fold of the log, for the next start. */
  readonly snapshotFile: string;
}

const PRIVATE_FILE = 0o600;
const MARK_BYTES_MAX = 65_536;
const MARK_LIMITS = { maxBytes: MARK_BYTES_MAX, maxDepth: 8, maxMembers: 10_000 };

/** All who were invited by the founding. */
export function foundersOf({ founder, cofounders = [] }: LedgerMark): readonly string[] {
  return [founder, ...cofounders];
}

/** Each founder's link is in a file of its own, to be handed over. */
export function enrolmentLinks(folder: DataFolder, mark: LedgerMark): readonly string[] {
  return foundersOf(mark).map((_, index) =>
    index === 0 ? folder.enrolmentLink : join(folder.path, `enrolment-link-${index + 1}.txt`),
  );
}

/** docs/cli.md, "The data folder". */
export function dataFolder(path: string): DataFolder {
  const at = (...names: string[]): string => join(resolve(path), ...names);
  return {
    path: at(),
    brokerFile: at('broker.db'),
    storeFile: at('store.db'),
    keysFolder: at('keys'),
    logKey: at('keys', 'log.key'),
    operatorKey: at('keys', 'operator.key'),
    agentKey: at('keys', 'agent.key'),
    executorKey: at('keys', 'executor.key'),
    mcpGateKey: at('keys', 'mcp-gate.key'),
    readToken: at('keys', 'read.token'),
    subjectKey: at('keys', 'subject.key'),
    trustFile: at('trust.json'),
    enrolmentLink: at('enrolment-link.txt'),
    requestsFolder: at('requests'),
    markFile: at('ledger.json'),
    clusterFile: at('cluster.json'),
    offeredFile: at('witness.json'),
    alarmFile: at('witness-alarm.json'),
    positionsFile: at('positions.json'),
    snapshotFile: at('snapshot.db'),
  };
}

/**
 * The mark of an existing folder, or undefined for one that is empty or absent.
 *
 * @throws CliError DATA_FOREIGN, DATA_DAMAGED, DATA_UNREADABLE
 */
export async function readMark(folder: DataFolder): Promise<LedgerMark | undefined> {
  const text = await readIfThere(folder.markFile);
  if (text !== undefined) return parseMark(text, folder.markFile);
  // A temporary file is what a first start leaves that was stopped before its first step was done.
  const names = (await listed(folder.path)).filter((name) => !name.startsWith('.ledger.json.'));
  if (names.length === 0) return undefined;
  throw cliError(
    'DATA_FOREIGN',
    `${folder.path}: expected an empty folder or one of ours (with ledger.json); nothing was changed`,
    { hint: 'choose another folder with --data DIR' },
  );
}

/** @throws CliError DATA_MISSING, DATA_FOREIGN, DATA_DAMAGED, DATA_UNREADABLE */
export async function requireMark(folder: DataFolder): Promise<LedgerMark> {
  const mark = await readMark(folder);
  if (mark !== undefined) return mark;
  throw cliError('DATA_MISSING', `expected a data folder at ${folder.path}, found none`, {
    hint: 'start one with `countersign serve`, or say where it is with --data DIR',
  });
}

/** Says where the ledger of the folder is now. */
export async function writeMark(folder: DataFolder, mark: LedgerMark): Promise<void> {
  await writePrivate(folder.markFile, `${canonicalText({ ...mark } as unknown as Json)}\n`);
}

/** Creates the folder with its mark. If we stop half-way, the next start does it again. */
export async function createFolder(folder: DataFolder, mark: LedgerMark): Promise<void> {
  await makePrivateFolder(folder.path);
  await writeMark(folder, mark);
}

async function listed(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw unreadable(path, error);
  }
}

/** A file of ours, which is short and a file. @throws CliError DATA_UNREADABLE, DATA_DAMAGED */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const bytes = await readRegular(path, MARK_BYTES_MAX);
    if (bytes !== undefined) return Buffer.from(bytes).toString('utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw isSystemError(error, 'EACCES', 'ENOTDIR') ? unreadable(path, error) : error;
  }
  throw cliError('DATA_DAMAGED', `${path}: expected a file of at most 64 KiB`);
}

function unreadable(path: string, cause: unknown): Error {
  return cliError('DATA_UNREADABLE', `expected to be allowed to read ${path}`, { cause });
}

/**
 * Writes a file of ours whole or not at all, readable by its owner only. It is on the disk when this resolves.
 *
 * @throws CliError DISK_FULL
 */
export async function writePrivate(path: string, content: string): Promise<void> {
  await writeWhole(path, content, PRIVATE_FILE);
}

/** As writePrivate, readable by whom `mode` lets. @throws CliError DISK_FULL */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  try {
    await replaceDurably(path, content, { mode });
  } catch (error) {
    throw diskFull(error, path);
  }
}

/**
 * As writePrivate, for a file that must not be there yet.
 *
 * @throws CliError FILE_EXISTS, DISK_FULL
 */
export async function createPrivate(path: string, content: string): Promise<void> {
  let isNew: boolean;
  try {
    isNew = await createDurably(path, content);
  } catch (error) {
    throw diskFull(error, path);
  }
  if (!isNew) throw cliError('FILE_EXISTS', `expected no file at ${path}`);
}

function diskFull(error: unknown, path: string): unknown {
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) return error;
  return cliError('DISK_FULL', `no space left to write ${path}`, {
    cause: error,
    hint: 'make room and start again; nothing that was acknowledged is lost',
  });
}

const MARK_TEXTS = ['origin', 'tenant', 'url', 'rp_id', 'founder'] as const;

function parseMark(text: string, path: string): LedgerMark {
  const json = parseJsonFile(text, path);
  const isMark =
    json['v'] === 'countersign.data.v1' &&
    isPartition(json['shard']) &&
    isAbsentOr(json['left'], areLeft) &&
    isAbsentOr(json['tier'], (tier) => tier === 'cluster') &&
    typeof json['demo'] === 'boolean' &&
    (json['separation'] === 'solo' || json['separation'] === 'full') &&
    isAbsentOr(json['cofounders'], areTexts) &&
    MARK_TEXTS.every((name) => typeof json[name] === 'string');
  if (!isMark) throw cliError('DATA_DAMAGED', `${path}: expected the mark of a data folder`);
  return json as unknown as LedgerMark;
}

function isAbsentOr(value: Json | undefined, isRight: (value: Json) => boolean): boolean {
  return value === undefined || isRight(value);
}

function areTexts(value: Json): boolean {
  return (
    Array.isArray(value) && (value as readonly Json[]).every((each) => typeof each === 'string')
  );
}

function areLeft(value: Json): boolean {
  return (
    Array.isArray(value) &&
    (value as readonly Json[]).every(
      (each) =>
        typeof each === 'object' &&
        each !== null &&
        'shard' in each &&
        'intake' in each &&
        isPartition(each['shard']) &&
        isPartition(each['intake']),
    )
  );
}

function isPartition(value: Json | undefined): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** @throws CliError DATA_DAMAGED */
export function parseJsonFile(text: string, path: string): JsonObject {
  let json: Json;
  try {
    json = parseStrict(Buffer.from(text), MARK_LIMITS);
  } catch (error) {
    throw cliError('DATA_DAMAGED', `${path}: expected JSON`, { cause: error });
  }
  if (!isJsonObject(json)) {
    throw cliError('DATA_DAMAGED', `${path}: expected a JSON object`);
  }
  return json;
}
