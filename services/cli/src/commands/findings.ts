import { parseEntry, parseSubmittedFinding, type FindingRaised } from '@countersign/binding';
import { utf8, type Json } from '@countersign/canonical';
import { isAnsweredEntry, type LedgerClient } from '@countersign/sdk';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openReader } from '../ledger-access.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';

interface FindingsOptions extends ClientOptions {
  readonly limit: number;
}

interface Found {
  readonly index: number;
  readonly entry: FindingRaised;
}

const PAGE_MAX = 200;
const DEFAULT_LIMIT = 50;
const LIMIT_MAX = 1_000_000;

export function addFindings(program: Command, { context, end }: CommandParts): void {
  addReadOptions(program.command('findings'))
    .description('list what was found, newest first')
    .option('--limit <number>', 'at most so many', parseLimit, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      `
Example:
  $ countersign findings --limit 10`,
    )
    .action(async (options: FindingsOptions) => {
      const client = await openReader(options, context);
      for await (const found of findingsOf(client, options.limit)) {
        if (options.json === true) context.stdout.json({ ...found });
        else context.stdout.lines(...foundLines(found));
      }
      end(EXIT.ok);
    });
}

/** @throws CliError ANSWER_INVALID, READ_SCOPE for whoever may not read all of the tenant, … */
async function* findingsOf(client: LedgerClient, limit: number): AsyncGenerator<Found> {
  let left = limit;
  let cursor: Json | undefined;
  do {
    const from = typeof cursor === 'string' ? `&cursor=${cursor}` : '';
    const page = await client.getObject(`/v1/findings?limit=${Math.min(left, PAGE_MAX)}${from}`);
    const { findings } = page;
    if (!Array.isArray(findings)) throw cliError('ANSWER_INVALID', 'expected findings');
    for (const finding of findings as readonly Json[]) yield foundIn(finding);
    left -= findings.length;
    cursor = page['cursor'];
  } while (typeof cursor === 'string' && left > 0);
}

function foundIn(json: Json): Found {
  if (!isAnsweredEntry(json)) throw cliError('ANSWER_INVALID', 'expected an entry of the log');
  const entry = parseEntry(utf8(json.text));
  if (entry.type !== 'finding-raised') throw cliError('ANSWER_INVALID', 'expected a finding');
  return { index: json.index, entry };
}

function foundLines({ index, entry }: Found): string[] {
  const { at, finding, about, submission } = entry;
  const facts = Object.entries(about).map(([name, value]) => `${name} ${String(value)}`);
  return [
    `entry ${index}  ${at}  ${finding}`,
    `  about    ${facts.join('  ')}`,
    ...(submission === undefined ? [] : submittedLines(submission.payload)),
  ];
}

function submittedLines(payload: string): string[] {
  const { kind, record, differs } = parseSubmittedFinding(utf8(payload));
  return [
    `  effect   ${kind}${record === undefined ? '' : ` in ${record.source}, ${record.digest}`}`,
    ...(differs === undefined ? [] : [`  differs  ${differs.join(', ')}`]),
  ];
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^[0-9]{1,7}$/.test(text) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw cliError('USAGE', `--limit: expected a number from 1 to ${LIMIT_MAX}`);
}
