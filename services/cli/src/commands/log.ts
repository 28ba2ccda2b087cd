import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { openReader } from '../ledger-access.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { CommandParts } from '../command-parts.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';

interface ListOptions extends ClientOptions {
  readonly start: number;
  readonly limit: number;
}

interface ListedEntry {
  readonly index: number;
  readonly type: string;
  readonly leaf: string;
  readonly text: string;
}

export function addLog(program: Command, { context, end }: CommandParts): void {
  const log = program.command('log').description('read the log itself and its proofs');
  const read = (name: string): Command => addReadOptions(log.command(name));
  const run = async (
    options: ClientOptions,
    text: (client: LedgerClient) => Promise<string>,
  ): Promise<void> => {
    end(await print(options, text, context));
  };

  read('checkpoint')
    .description('the newest signed head, as a signed note')
    .action((options: ClientOptions) =>
      run(options, (client) => client.getText('/v1/log/checkpoint')),
    );
  read('list')
    .description('entries in their order')
    .option('--start <index>', 'first entry', parsePosition, 0)
    .option('--limit <count>', 'at most this many', parsePosition, 50)
    .action((options: ListOptions) => run(options, (client) => list(client, options)));
  read('inclusion')
    .description('proof that an entry is in the log of a size')
    .argument('<index>', 'index of the entry', parsePosition)
    .argument('<size>', 'size of the log', parsePosition)
    .action((index: number, size: number, options: ClientOptions) =>
      run(options, (client) => client.getText(`/v1/log/inclusion?index=${index}&size=${size}`)),
    );
  read('consistency')
    .description('proof that the log of one size continues that of another')
    .argument('<from>', 'smaller size', parsePosition)
    .argument('<to>', 'larger size', parsePosition)
    .action((from: number, to: number, options: ClientOptions) =>
      run(options, (client) => client.getText(`/v1/log/consistency?from=${from}&to=${to}`)),
    );
  log.addHelpText(
    'after',
    `
Examples:
  $ countersign log checkpoint
  $ countersign log list --start 0 --limit 20
  $ countersign log inclusion 3 12
  $ countersign log consistency 5 12`,
  );
}

function parsePosition(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw cliError('USAGE', 'expected a whole number');
}

async function print(
  options: ClientOptions,
  text: (client: LedgerClient) => Promise<string>,
  context: CliContext,
): Promise<number> {
  const client = await openReader(options, context);
  const printed = await text(client);
  context.stdout.write(printed.endsWith('\n') ? printed : `${printed}\n`);
  return EXIT.ok;
}

async function list(client: LedgerClient, options: ListOptions): Promise<string> {
  const { start, limit } = options;
  const answer = await client.getObject(`/v1/log/entries?start=${start}&limit=${limit}`);
  const entries = (answer['entries'] ?? []) as unknown as readonly ListedEntry[];
  return entries
    .map((entry) =>
      options.json === true
        ? JSON.stringify(entry)
        : `${String(entry.index).padStart(6)}  ${entry.type.padEnd(18)}  ${entry.leaf}`,
    )
    .join('\n');
}
