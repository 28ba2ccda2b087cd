import { utf8 } from '@countersign/canonical';
import { parseEvidence } from '@countersign/verify';
import type { Command } from 'commander';
import { patienceOf } from '../away-words.ts';
import { CliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { openReader } from '../ledger-access.ts';
import type { ActionView, LedgerClient } from '@countersign/sdk';
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
  'epoch-ended',
]);

export function addWatch(program: Command, { context, end }: CommandParts): void {
  addActionId(addReadOptions(program.command('watch')))
    .description('follow an action until it is over; Ctrl-C stops watching and changes nothing')
    .addHelpText(
      'after',
      `
It is over with the last use that was approved, when it is stopped, and when its time to be used is over by the clock here.
Exit codes: 0 used, at least once, or changed as it was approved; 1 ended otherwise; 3 interrupted or unreachable.

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
  let status = '';
  let forMs: number | undefined;
  const endOf = endings(client, context);
  for (;;) {
    const view = await client.action(id, seen, forMs);
    // A freeze ends it without an entry of its own.
    if (view.last_index > seen || view.status !== status) {
      ({ last_index: seen, status } = view);
      if (isJson) context.stdout.json(view);
      else context.stdout.lines(...actionLines(view));
    }
    const exit = await endOf(view);
    if (exit !== undefined) return exit;
    // No entry comes when its time to be used is over.
    const useByMs = useByOf(view);
    forMs = useByMs === undefined ? undefined : useByMs - context.nowMs() + 1;
  }
}

function useByOf({ use_by: useBy }: ActionView): number | undefined {
  return typeof useBy === 'string' ? Date.parse(useBy) : undefined;
}

/** With what an action is over; undefined while something about it can still come. */
function endings(
  client: LedgerClient,
  { nowMs }: CliContext,
): (view: ActionView) => Promise<number | undefined> {
  let maxUses: number | undefined;
  return async (view) => {
    const { status, uses } = view;
    if (FINAL.has(status)) return EXIT.refused;
    if (isChanged(view)) return EXIT.ok;
    const isUsed = status === 'used' && typeof uses === 'number';
    if (isUsed) {
      maxUses ??= await usesOf(client, view.action_id);
      if (uses >= maxUses) return EXIT.ok;
    }
    const useByMs = useByOf(view);
    if (useByMs === undefined || nowMs() <= useByMs) return undefined;
    return isUsed ? EXIT.ok : EXIT.refused;
  };
}

/** A change of the authority is made by the ledger itself, at once, and has no use. */
function isChanged({ entries }: ActionView): boolean {
  const listed: readonly unknown[] = Array.isArray(entries) ? entries : [];
  return listed.some((entry) => (Object(entry) as { type?: unknown }).type === 'authority-changed');
}

/** How often it was approved to be used: in the binding alone, which the ledger's view of an action does not repeat. */
async function usesOf(client: LedgerClient, id: string): Promise<number> {
  return parseEvidence(utf8(await client.evidence(id))).binding.entry.max_uses;
}
