import type { Command } from 'commander';
import { patienceOf } from '../away-words.ts';
import { CliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { openReader } from '../ledger-access.ts';
import type { LedgerClient } from '@countersign/sdk';
import { Narrator } from '../narrator.ts';
import type { CommandParts } from '../command-parts.ts';
import { addActionId, addReadOptions, type ClientOptions } from './access-options.ts';
import { accessWords, againLine } from './again-line.ts';
import { actionLines } from './show.ts';

/** Nothing follows any more, or only what an executor does. */
const FINAL: ReadonlySet<string> = new Set([
  'denied',
  'expired',
  'refused',
  'revoked',
  'superseded',
  'used',
]);

export function addWatch(program: Command, { context, end }: CommandParts): void {
  addActionId(addReadOptions(program.command('watch')))
    .description('follow an action until it is over; Ctrl-C stops watching and changes nothing')
    .addHelpText(
      'after',
      `
Exit codes: 0 used, 1 ended otherwise, 3 interrupted or unreachable.

Example:
  $ countersign watch 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2 --json`,
    )
    .action(async (id: string, options: ClientOptions) => {
      end(await watch(id, options, context));
    });
}

async function watch(id: string, options: ClientOptions, context: CliContext): Promise<number> {
  const narrator = new Narrator(context.stderr, options.json === true);
  const patience = patienceOf(context, narrator);
  const client = (await openReader(options, context)).patient(patience);
  try {
    return await follow(id, { client, context, isJson: options.json === true });
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.indeterminate) throw error;
    const line = watchLine(id, options, context);
    throw new CliError(error.code, error.message, { cause: error, hint: `go on with: ${line}` });
  }
}

/** What follows an action from where somebody stopped waiting for it. */
export function watchLine(id: string, options: ClientOptions, { command }: CliContext): string {
  const { readToken } = options;
  return againLine({
    program: command,
    words: ['watch', id],
    options: { ...accessWords(options), 'read-token': readToken },
  });
}

interface Watch {
  readonly client: LedgerClient;
  readonly context: CliContext;
  readonly isJson: boolean;
}

async function follow(id: string, { client, context, isJson }: Watch): Promise<number> {
  let seen = -1;
  for (;;) {
    const view = await client.action(id, seen);
    if (view.last_index > seen) {
      seen = view.last_index;
      if (isJson) context.stdout.json(view);
      else context.stdout.lines(...actionLines(view));
    }
    if (FINAL.has(view.status)) return view.status === 'used' ? EXIT.ok : EXIT.refused;
  }
}
