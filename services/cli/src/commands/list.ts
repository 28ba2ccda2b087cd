import { Argument, type Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openReader } from '../ledger-access.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { listedRows, parseRows, ROWS } from './listed-rows.ts';

const FILTERS = ['status', 'type', 'agent', 'executor', 'code', 'person', 'from', 'to'] as const;
type Filter = (typeof FILTERS)[number];

interface ListOptions extends ClientOptions, Partial<Record<Filter, string>> {
  readonly limit: number;
  readonly removed?: true;
}

interface Kind {
  /** Member of the answer that holds the rows. */
  readonly rows: string;
  readonly filters: readonly Filter[];
}

const ACTIONS = ['status', 'type', 'agent', 'executor', 'code', 'person', 'from', 'to'] as const;
const KINDS: Readonly<Record<string, Kind & { readonly path: string }>> = {
  requests: { path: 'actions', rows: 'actions', filters: ACTIONS },
  bindings: { path: 'bindings', rows: 'actions', filters: ACTIONS },
  persons: { path: 'persons', rows: 'members', filters: [] },
  credentials: { path: 'credentials', rows: 'members', filters: ['person'] },
  agents: { path: 'agents', rows: 'members', filters: ['person'] },
  executors: { path: 'executors', rows: 'members', filters: [] },
  policies: { path: 'policies', rows: 'policies', filters: ['from', 'to'] },
  findings: { path: 'findings', rows: 'findings', filters: ['code', 'from', 'to'] },
};

export function addList(program: Command, { context, end }: CommandParts): void {
  const command = addReadOptions(program.command('list'))
    .description('list what the ledger holds of a kind, as JSON, one object a line')
    .addArgument(new Argument('<kind>', 'what to list').choices(Object.keys(KINDS)))
    .option('--limit <number>', 'at most so many', parseRows, ROWS);
  for (const name of FILTERS) {
    const isTime = name === 'from' || name === 'to';
    const what = isTime
      ? `${name === 'from' ? 'not before' : 'before'} this time`
      : `with this ${name}`;
    command.option(`--${name} <${isTime ? 'time' : name}>`, what);
  }
  command.option('--removed', 'members that are there no more, with the time');
  command
    .addHelpText(
      'after',
      `
Requests, bindings: --status --type --agent --executor --code --person --from --to, where --person is who has decided. Credentials,
agents: --person, whose they are. Persons, credentials, agents, executors: --removed, those that are there no more. Policies: --from --to. Findings: --code --from --to. Times are like 2026-11-29T10:00:00.000Z. What is listed is what read models say: an action or an
entry is checked by its receipt, see show and log.

Examples:
  $ countersign list bindings --agent local-agent --from 2026-11-01T00:00:00.000Z
  $ countersign list findings --code EFFECT_DIFFERS`,
    )
    .action(async (name: string, options: ListOptions) => {
      const path = pathOf(name, options);
      const client = await openReader(options, context);
      const { rows = '' } = KINDS[name] ?? {};
      for await (const row of listedRows(client, { path, rows, limit: options.limit })) {
        context.stdout.json(row);
      }
      end(EXIT.ok);
    });
}

/** @throws CliError USAGE for a filter that this kind does not have */
function pathOf(name: string, options: ListOptions): string {
  const kind = KINDS[name];
  const query = new URLSearchParams();
  for (const filter of FILTERS) {
    const value = options[filter];
    if (value === undefined) continue;
    if (kind?.filters.includes(filter) !== true) {
      throw cliError('USAGE', `--${filter}: expected none for ${name}`);
    }
    query.set(filter, value);
  }
  if (options.removed === true) {
    if (kind?.rows !== 'members') throw cliError('USAGE', `--removed: expected none for ${name}`);
    query.set('removed', '1');
  }
  return `/v1/${kind?.path ?? ''}?${query.toString()}`;
}
