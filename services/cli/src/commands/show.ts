import type { Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import { decisionWords } from '../decision-words.ts';
import { openReader } from '../ledger-access.ts';
import type { ActionView } from '@countersign/sdk';
import type { CommandParts } from '../command-parts.ts';
import { addActionId, addReadOptions, type ClientOptions } from './access-options.ts';

export function addShow(program: Command, { context, end }: CommandParts): void {
  addActionId(addReadOptions(program.command('show')))
    .description('show where an action stands, as the ledger says')
    .addHelpText(
      'after',
      `
Example:
  $ countersign show 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2`,
    )
    .action(async (id: string, options: ClientOptions) => {
      const client = await openReader(options, context);
      const view = await client.action(id);
      if (options.json === true) context.stdout.json(view);
      else context.stdout.rows(...actionLines(view));
      end(EXIT.ok);
    });
}

const LABEL_WIDTH = 11;
const TOLD = ['type', 'agent', 'executor', 'opened_at', 'decide_by', 'use_by', 'result', 'code'];

/** What a person wants to know of an action, one line each. */
export function actionLines(view: ActionView): string[] {
  return [
    `${view.action_id}  ${view.status}`,
    ...TOLD.flatMap((name) => {
      const value = view[name];
      return typeof value === 'string' ? [`  ${name.padEnd(LABEL_WIDTH)} ${value}`] : [];
    }),
    ...decisionWords(view).map((words) => `  ${words}`),
    ...entryLines(view['entries']),
  ];
}

function entryLines(entries: unknown): string[] {
  if (!Array.isArray(entries)) return [];
  return entries.map((entry: unknown) => {
    const { index, type, at } = Object(entry) as Readonly<Record<string, unknown>>;
    return `  ${`entry ${String(index)}`.padEnd(LABEL_WIDTH)} ${String(at)}  ${String(type)}`;
  });
}
