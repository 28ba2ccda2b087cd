import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { canonicalBytes, fromUtf8, parseStrict, type JsonObject } from '@countersign/canonical';
import type { Command } from 'commander';
import { AuditStateFile } from '../audit-state.ts';
import { cliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile, readTrustFile } from '../ledger-access.ts';
import type { LogAuditOptions } from '../log-audit.ts';

export interface AuditCommandOptions {
  readonly trust: string;
  readonly readToken?: string;
  readonly keep?: string;
  readonly state?: string;
  readonly near: number;
  readonly allowDemo?: true;
  readonly full?: true;
  readonly json?: true;
}

const NEAR_S = 3_600;
const SECONDS_MAX = 31_536_000;

/** What `audit` and `monitor` share. */
export function addAuditOptions(command: Command): Command {
  return command
    .requiredOption('--trust <file>', 'trust file: what you pin')
    .option('--read-token <file>', 'file of a read token, where the log is not public')
    .option('--keep <folder>', 'mirror the log into a log folder, and go on from there')
    .option('--state <file>', 'what was seen and checked (default: beside the folder or mirror)')
    .option(
      '--near <seconds>',
      'tell approvals by a key enrolled so shortly before',
      secondsOf('--near'),
      NEAR_S,
    )
    .option('--allow-demo', 'accept a ledger that was founded as a demonstration')
    .option('--json', 'print one JSON object, and progress as JSON');
}

export function secondsOf(name: string): (text: string) => number {
  return (text) => {
    const seconds = /^[0-9]{1,8}$/.test(text) ? Number(text) : Infinity;
    if (seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
    throw cliError('USAGE', `${name}: expected 1 to ${SECONDS_MAX} seconds`);
  };
}

/** @throws CliError USAGE, FILE_UNREADABLE, TRUST_FORMAT */
export async function auditOptionsOf(
  log: string,
  options: AuditCommandOptions,
  { context, onProgress }: Pick<LogAuditOptions, 'onProgress'> & { readonly context: CliContext },
): Promise<LogAuditOptions> {
  const { cwd, interrupted, nowMs } = context;
  const { trust, bytes: trustFile } = await readTrustFile(resolve(cwd, options.trust));
  const allowDemo = options.allowDemo === true;
  const keep = options.keep === undefined ? undefined : resolve(cwd, options.keep);
  const place = await placeOf(log, options, context);
  const folder = 'folder' in place ? place.folder : undefined;
  const beside = keep ?? folder;
  const state = options.state === undefined ? beside && `${beside}.audit.json` : options.state;
  if (keep !== undefined && keep === folder) {
    throw cliError('USAGE', '--keep: expected another folder than the one that is audited');
  }
  return {
    log: place,
    trust,
    trustDigest: digestOf(trustFile, allowDemo),
    allowDemo,
    nearMs: options.near * 1_000,
    ...(keep !== undefined && { keep }),
    ...(state !== undefined && { state: new AuditStateFile(resolve(cwd, state), trust) }),
    isFull: options.full === true,
    interrupted,
    nowMs,
    onProgress,
  };
}

async function placeOf(
  log: string,
  { readToken }: AuditCommandOptions,
  { cwd }: CliContext,
): Promise<LogAuditOptions['log']> {
  if (!/^https?:/i.test(log)) return { folder: resolve(cwd, log) };
  const url = URL.canParse(log) ? new URL(log) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw cliError('USAGE', 'expected an address like https://ledger.example/v1/log/tiles');
  }
  if (readToken === undefined) return { url: log };
  const token = await readGivenFile(resolve(cwd, readToken), 'read token');
  return { url: log, token: fromUtf8(token).trim() };
}

/**
 * Another way to read the same file accepts other logs. Its pinned head is left out: a ledger notes each newer one there, and every
 * run holds the log to it.
 */
function digestOf(trustFile: Uint8Array, allowDemo: boolean): string {
  const members = Object.entries(parseStrict(trustFile) as JsonObject);
  const judging = Object.fromEntries(members.filter(([name]) => name !== 'pinned_head'));
  const digest = createHash('sha256').update(canonicalBytes(judging)).digest('hex');
  return `sha256:${digest}${allowDemo ? '+demo' : ''}`;
}
