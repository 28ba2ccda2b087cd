import { resolve } from 'node:path';
import { isTimestamp } from '@countersign/canonical';
import {
  ConnectorError,
  readCloudTrail,
  readEffectLines,
  readPostgresLog,
  readStatementEffects,
  type TargetRecord,
} from '@countersign/connectors/records';
import { findingPayload, reconcile, type EffectKind, type Finding } from '@countersign/reconcile';
import { signedFrame, type InputAnswer } from '@countersign/sdk';
import type { Command } from 'commander';
import { boundUses } from '../bound-uses.ts';
import { readBounded } from '../bounded-file.ts';
import { CliError, cliError, EXIT, isSystemError } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { findingSalts } from '../finding-salt.ts';
import { openLedger, openReader } from '../ledger-access.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';

interface ReconcileOptions extends ClientOptions {
  readonly cloudtrail?: readonly string[];
  readonly postgresLog?: readonly string[];
  readonly statement?: readonly string[];
  readonly effects?: readonly string[];
  readonly since?: string;
  readonly submit?: true;
}

const RECORD_MAX_BYTES = 256 * 1024 * 1024;

export function addReconcile(program: Command, { context, end }: CommandParts): void {
  addReadOptions(program.command('reconcile'))
    .description('compare what was bound with what target systems recorded')
    .option('--cloudtrail <file...>', 'log files of AWS CloudTrail, unpacked')
    .option('--postgres-log <file...>', 'logs of PostgreSQL, as jsonlog or csvlog')
    .option('--statement <file...>', 'statements of a bank, camt.053')
    .option('--effects <file...>', 'JSON lines of effects, of any other system')
    .option('--since <time>', 'leave out what is recorded before this time', parseSince)
    .option('--submit', 'sign each finding with the key of an operator, for the log')
    .addHelpText(
      'after',
      `
Ends with 1 where there are findings. Submitting one again changes nothing: it is answered by the entry that is there.

Examples:
  $ countersign reconcile --cloudtrail trail/*.json --statement 2026-11-23.xml
  $ countersign reconcile --cloudtrail trail/*.json --submit`,
    )
    .action(async (options: ReconcileOptions) => {
      const records = await readRecords(options, context.cwd);
      if (records.length === 0) throw cliError('USAGE', 'expected at least one record to compare');
      const uses = await boundUses(await openReader(readingOptions(options), context));
      const { since = '' } = options;
      const effects = records.flatMap((record) => record.effects).filter(({ at }) => at >= since);
      const { findings, matched } = reconcile({ uses, effects, covered: coveredBy(records) });
      const submit = options.submit === true ? await submitter(options, context) : undefined;
      for (const finding of findings) {
        const entry = await submit?.(finding);
        if (options.json === true) {
          context.stdout.json({ ...finding, ...(entry !== undefined && { entry: entry.index }) });
        } else {
          context.stdout.lines(...findingLines(finding));
          if (entry !== undefined) context.stdout.lines(`  logged   as entry ${entry.index}`);
        }
      }
      if (options.json === true) context.stdout.json({ matched, findings: findings.length });
      else context.stdout.lines(`${matched} as they were bound, ${findings.length} findings`);
      end(findings.length === 0 ? EXIT.ok : EXIT.refused);
    });
}

type Submit = (finding: Finding) => Promise<InputAnswer['entry']>;

/** Each is durable once its entry is told; stopping between two of them leaves the others for the same command again. */
async function submitter(options: ReconcileOptions, context: CliContext): Promise<Submit> {
  const { client, agent, tenant } = await openLedger(options, context, 'operator');
  const saltOf = findingSalts(agent.key);
  return async (finding) => {
    const payload = findingPayload(finding, { tenant, saltOf });
    return (await client.submit('findings', await signedFrame('finding', payload, agent.key)))
      .entry;
  };
}

/** A key beside a read token is for what is submitted: the token sees all uses. */
function readingOptions(options: ReconcileOptions): ClientOptions {
  if (options.submit !== true || options.readToken === undefined) return options;
  const { data, url, trust, readToken } = options;
  return {
    readToken,
    ...(data !== undefined && { data }),
    ...(url !== undefined && { url }),
    ...(trust !== undefined && { trust }),
  };
}

function parseSince(text: string): string {
  if (isTimestamp(text)) return text;
  throw cliError('USAGE', '--since: expected a time as in 2026-11-23T00:00:00.000Z');
}

async function readRecords(
  options: ReconcileOptions,
  cwd: string,
): Promise<readonly TargetRecord[]> {
  const readers = [
    [options.cloudtrail, readCloudTrail],
    [options.postgresLog, readPostgresLog],
    [options.statement, readStatementEffects],
    [options.effects, readEffectLines],
  ] as const;
  const records: TargetRecord[] = [];
  for (const [files = [], read] of readers) {
    for (const file of files) records.push(await readRecord(resolve(cwd, file), read));
  }
  return records;
}

/** @throws CliError FILE_UNREADABLE, FILE_TOO_LARGE, RECORD_FORMAT, RECORD_LIMIT */
async function readRecord(
  path: string,
  read: (bytes: Uint8Array) => TargetRecord,
): Promise<TargetRecord> {
  try {
    const bytes = await readBounded(path, RECORD_MAX_BYTES);
    if (bytes !== undefined) return read(bytes);
  } catch (error) {
    if (error instanceof ConnectorError) {
      throw new CliError(error.code, `${path}: ${error.message}`, { cause: error });
    }
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error;
    throw cliError('FILE_UNREADABLE', `expected to read ${path}`, { cause: error });
  }
  throw cliError('FILE_TOO_LARGE', `${path}: expected at most ${RECORD_MAX_BYTES} bytes`);
}

/** Of several records of one kind, the newest tells how far they reach. */
function coveredBy(records: readonly TargetRecord[]): ReadonlyMap<EffectKind, string> {
  const covered = new Map<EffectKind, string>();
  for (const { kinds, until } of records) {
    for (const kind of kinds) {
      if (until > (covered.get(kind) ?? '')) covered.set(kind, until);
    }
  }
  return covered;
}

function findingLines({ finding, kind, target, use, effect, differs }: Finding): string[] {
  return [
    `${finding}  ${kind} ${target}`,
    ...(use === undefined ? [] : [`  use      ${use.shortId} of ${use.actionId}`]),
    ...(effect === undefined ? [] : [`  recorded ${effect.at} in ${effect.record}, ${effect.id}`]),
    ...(differs === undefined ? [] : [`  differs  ${differs.join(', ')}`]),
  ];
}
