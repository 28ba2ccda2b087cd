import { resolve } from 'node:path';
import { isUlid } from '@countersign/canonical';
import type { ReportScope } from '@countersign/report';
import type { Level, Trust } from '@countersign/verify';
import { Option, type Command } from 'commander';
import { unreviewedWords } from '../break-glass-words.ts';
import { cliError } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { dataFolder } from '../data-folder.ts';
import { assertTrusted, dataPath, openTrusted, readTrustFile } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { writeReport, type ReportDone } from '../report.ts';
import { folderSource, ledgerSource, type ReportSource } from '../report-source.ts';
import { readStatementKey } from '../statement-key.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { periodIn, timeParser } from './period-options.ts';
import { addReportDecisions } from './report-decisions.ts';

interface ReportOptions extends ClientOptions {
  readonly log?: string;
  readonly evidence?: string;
  readonly from?: string;
  readonly to?: string;
  readonly action?: string;
  readonly out?: string;
  readonly level: Level;
  readonly signKey?: string;
  readonly allowDemo?: true;
}

export function addReport(program: Command, { context, end }: CommandParts): void {
  const command = addReadOptions(program.command('report'))
    .enablePositionalOptions()
    .description('write what was asked and decided in a period, for people to read and to verify')
    .option('--log <folder>', 'an exported log in the place of a ledger that answers')
    .option('--evidence <folder>', 'with --log: evidence files, each named ACTION_ID.json')
    .option('--from <time>', 'actions that ended at this time or later', timeParser('--from'))
    .option('--to <time>', 'actions that ended before this time', timeParser('--to'))
    .option('--action <id>', 'this action only', parseId)
    .option('--out <folder>', 'where the report goes: no folder yet, or an empty one')
    .addOption(
      new Option('--level <level>', 'what evidence is verified to')
        .choices(['sealed', 'human', 'witnessed'])
        .default('human'),
    )
    .option('--sign-key <file>', 'your own key (PEM, Ed25519 or P-256): signs the statements')
    .option('--allow-demo', 'accept a ledger that was founded as a demonstration')
    .addHelpText(
      'after',
      `
Times are like 2026-11-01 or 2026-11-01T12:00:00.000Z, in UTC. Ends with 1 where evidence was refused, with 3 where it could not be verified.

Examples:
  $ countersign report --from 2026-11-01 --to 2026-12-01 --out november
  $ countersign report --action 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --out one --sign-key auditor.key
  $ countersign report --log ./log --evidence november/evidence --trust trust.json --out again
  $ countersign report decisions --from 2026-11-01`,
    )
    .action(async (options: ReportOptions) => {
      const done = await report(options, context);
      say(done, new Narrator(context.stderr, options.json === true));
      end(done.exitCode);
    });
  addReportDecisions(command, { context, end });
}

async function report(options: ReportOptions, context: CliContext): Promise<ReportDone> {
  const { level, signKey, out } = options;
  if (out === undefined) throw cliError('USAGE', 'expected --out <folder>');
  const { trustFile, trust } = await trustIn(options, context);
  const source = await sourceOf(options, context, trust);
  return writeReport(
    {
      scope: scopeOf(options),
      trust,
      trustFile,
      level,
      allowDemo: options.allowDemo === true,
      out: resolve(context.cwd, out),
      key:
        signKey === undefined
          ? undefined
          : await readStatementKey(resolve(context.cwd, signKey), trust),
      version: context.version,
      nowMs: context.nowMs(),
    },
    source,
  );
}

async function sourceOf(
  options: ReportOptions,
  context: CliContext,
  trust: Trust,
): Promise<ReportSource> {
  const { log, evidence } = options;
  if (log !== undefined) {
    if (options.url !== undefined || options.trust === undefined) {
      throw cliError('USAGE', 'expected --trust, and no --url, together with --log');
    }
    const kept = evidence === undefined ? undefined : resolve(context.cwd, evidence);
    return folderSource(resolve(context.cwd, log), trust, kept);
  }
  if (evidence !== undefined) throw cliError('USAGE', '--evidence: expected --log with it');
  const { client } = await openTrusted(options, context);
  return ledgerSource(client, trust, await assertTrusted(client, trust));
}

/** The bytes too: a report says by which file it was made. */
async function trustIn(
  options: ReportOptions,
  context: CliContext,
): Promise<{ readonly trust: Trust; readonly trustFile: Uint8Array }> {
  const own = dataFolder(dataPath(options, context)).trustFile;
  const path = options.trust === undefined ? own : resolve(context.cwd, options.trust);
  const { trust, bytes: trustFile } = await readTrustFile(path);
  return { trust, trustFile };
}

function scopeOf({ action, ...period }: ReportOptions): ReportScope {
  return { ...periodIn(period), ...(action !== undefined && { actionId: action }) };
}

function parseId(text: string): string {
  if (isUlid(text)) return text;
  throw cliError('USAGE', '--action: expected the id of an action, 26 capital letters and digits');
}

function say({ path, actions, proofs, unreviewed }: ReportDone, narrator: Narrator): void {
  const counts = [...proofs].map(([words, count]) => `${count} ${words}`);
  const failed = unreviewed.map((each) => `FAILS: BREAK-GLASS ${unreviewedWords(each)}`);
  narrator.say(
    'reported',
    [`the report of ${actions} actions is in ${path}`, ...counts, ...failed],
    {
      path,
      actions,
      proofs: Object.fromEntries(proofs),
      ...(unreviewed.length > 0 && { unreviewed: unreviewed.map(({ actionId }) => actionId) }),
    },
  );
}
