import type { EntryOf } from '@countersign/binding';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openReader } from '../ledger-access.ts';
import type { LedgerClient } from '@countersign/sdk';
import { logEntries } from '../log-entries.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { actionLines } from './show.ts';

export function addTrace(program: Command, { context, end }: CommandParts): void {
  addReadOptions(program.command('trace'))
    .argument('<short-id>', 'as a target system recorded it: cs- and 10 or 16 characters', endOf)
    .description('from what a target system recorded to the action that was bound')
    .addHelpText(
      'after',
      `
Examples:
  $ countersign trace cs-5H41H6NGY8
  $ countersign trace CS-VFCDVZ5H41H6NGY8`,
    )
    .action(async (ending: string, options: ClientOptions) => {
      const client = await openReader(options, context);
      const uses = await usesEnding(client, ending);
      if (uses.length === 0) throw cliError('USE_NOT_FOUND', 'expected a use with this short id');
      for (const use of uses) {
        const { action_id: id, use_id: useId, at } = use;
        const view = await client.action(id);
        if (options.json === true)
          context.stdout.json({ use_id: useId, used_at: at, action: view });
        else context.stdout.lines(`use ${useId}  ${at}`, ...actionLines(view));
      }
      end(EXIT.ok);
    });
}

/** Short ids have fifty random bits: two uses can share one, and then both are told. */
async function usesEnding(
  client: LedgerClient,
  ending: string,
): Promise<readonly EntryOf<'binding-used'>[]> {
  const found: EntryOf<'binding-used'>[] = [];
  for await (const entry of logEntries(client)) {
    if (entry.type === 'binding-used' && entry.use_id.endsWith(ending)) found.push(entry);
  }
  return found;
}

function endOf(text: string): string {
  const ending = /^cs-((?:[0-9A-HJKMNP-TV-Z]{6})?[0-9A-HJKMNP-TV-Z]{10})$/i.exec(text)?.[1];
  if (ending !== undefined) return ending.toUpperCase();
  throw cliError('USAGE', 'short-id: expected cs- and 10 or 16 capital letters and digits');
}
