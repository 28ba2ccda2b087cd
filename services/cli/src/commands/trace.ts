import { isUlid, type Json } from '@countersign/canonical';
import { isAssurance, type Assurance } from '@countersign/binding';
import { assuranceWords } from '@countersign/console';
import type { Command } from 'commander';
import { CliError, cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openReader } from '../ledger-access.ts';
import type { LedgerClient } from '@countersign/sdk';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { actionLines } from './show.ts';

const SHORT_CHARACTERS = 10;

/** As the ledger tells of it; evidence proves it. */
interface TracedUse {
  readonly use_id: string;
  readonly action_id: string;
  readonly used_at: string;
  readonly assurance: Assurance | null;
}

export function addTrace(program: Command, { context, end }: CommandParts): void {
  addReadOptions(program.command('trace'))
    .argument(
      '<short-id>',
      'as a target system recorded it: cs- and 10 or 16 characters; or the whole id of a use',
      endOf,
    )
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
      const uses = (await usesCalled(client, ending)).filter(({ use_id: id }) =>
        id.endsWith(ending),
      );
      if (uses.length === 0) throw useNotFound();
      for (const { use_id: useId, action_id: id, used_at: at, assurance } of uses) {
        const view = await client.action(id);
        const executor = typeof view['executor'] === 'string' ? view['executor'] : '';
        const told = { use_id: useId, used_at: at, assurance };
        if (options.json === true) context.stdout.json({ ...told, action: view });
        else {
          context.stdout.lines(
            `use ${useId}  ${at}`,
            ...actionLines(view),
            `  assurance   ${assuranceWords(executor, assurance ?? undefined)}`,
          );
        }
      }
      end(EXIT.ok);
    });
}

/** Short ids have fifty random bits: two uses can share one, and then both are told. */
async function usesCalled(client: LedgerClient, ending: string): Promise<readonly TracedUse[]> {
  try {
    const { uses } = await client.getObject(`/v1/uses/cs-${ending.slice(-SHORT_CHARACTERS)}`);
    if (Array.isArray(uses)) return (uses as readonly Json[]).map(tracedUse);
  } catch (error) {
    if (error instanceof CliError && error.code === 'NOT_FOUND') throw useNotFound();
    throw error;
  }
  throw cliError('ANSWER_INVALID', 'expected uses of the log');
}

function tracedUse(json: Json): TracedUse {
  const { use_id, action_id, used_at, assurance } = Object(json) as Readonly<Record<string, Json>>;
  const isUse =
    isUlidText(use_id) &&
    isUlidText(action_id) &&
    typeof used_at === 'string' &&
    (assurance === null || isAssurance(assurance));
  if (isUse) return { use_id, action_id, used_at, assurance };
  throw cliError('ANSWER_INVALID', 'expected uses of the log');
}

function isUlidText(json: Json | undefined): json is string {
  return typeof json === 'string' && isUlid(json);
}

function useNotFound(): CliError {
  return cliError('USE_NOT_FOUND', 'expected a use with this short id');
}

function endOf(text: string): string {
  if (isUlid(text)) return text;
  const ending = /^cs-((?:[0-9A-HJKMNP-TV-Z]{6})?[0-9A-HJKMNP-TV-Z]{10})$/i.exec(text)?.[1];
  if (ending !== undefined) return ending.toUpperCase();
  throw cliError(
    'USAGE',
    'short-id: expected cs- and 10 or 16 capital letters and digits, or the id of a use',
  );
}
