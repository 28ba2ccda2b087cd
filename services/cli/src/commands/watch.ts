import type { Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { openReader } from '../ledger-access.ts';
import type { CommandParts } from '../command-parts.ts';
import { addActionId, addReadOptions, type ClientOptions } from './access-options.ts';
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
  const client = await openReader(options, context);
  let seen = -1;
  for (;;) {
    const view = await client.action(id, seen);
    if (view.last_index > seen) {
      seen = view.last_index;
      if (options.json === true) context.stdout.json(view);
      else context.stdout.lines(...actionLines(view));
    }
    if (FINAL.has(view.status)) return view.status === 'used' ? EXIT.ok : EXIT.refused;
  }
}
