import { parseEntry, parseSubmittedFinding, type FindingRaised } from '@countersign/binding';
import { utf8, type Json } from '@countersign/canonical';
import { isAnsweredEntry, type LedgerClient } from '@countersign/sdk';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openReader } from '../ledger-access.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { listedRows, parseRows, ROWS } from './listed-rows.ts';

interface FindingsOptions extends ClientOptions {
  readonly limit: number;
  readonly code?: string;
}

interface Found {
  readonly index: number;
  readonly entry: FindingRaised;
}

export function addFindings(program: Command, { context, end }: CommandParts): void {
  addReadOptions(program.command('findings'))
    .description('list what was found, newest first')
    .option('--limit <number>', 'at most so many', parseRows, ROWS)
    .option('--code <code>', 'those of this code only')
    .addHelpText(
      'after',
      `
Example:
  $ countersign findings --code EFFECT_DIFFERS --limit 10`,
    )
    .action(async (options: FindingsOptions) => {
      const client = await openReader(options, context);
      for await (const found of findingsOf(client, options)) {
        if (options.json === true) context.stdout.json({ ...found });
        else context.stdout.lines(...foundLines(found));
      }
      end(EXIT.ok);
    });
}

/** @throws CliError ANSWER_INVALID, READ_SCOPE for whoever may not read all of the tenant, … */
async function* findingsOf(
  client: LedgerClient,
  { limit, code }: Pick<FindingsOptions, 'limit' | 'code'>,
): AsyncGenerator<Found> {
  const path = `/v1/findings?${new URLSearchParams(code === undefined ? {} : { code }).toString()}`;
  for await (const row of listedRows(client, { path, rows: 'findings', limit })) yield foundIn(row);
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
