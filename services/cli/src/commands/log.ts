import { resolve } from 'node:path';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { openReader, openTrusted } from '../ledger-access.ts';
import { entryPage } from '../log-entries.ts';
import { exportLog } from '../log-export.ts';
import { Narrator } from '../narrator.ts';
import type { LedgerClient } from '@countersign/sdk';
import type { Output } from '../output.ts';
import type { CommandParts } from '../command-parts.ts';
import { addReadOptions, type ClientOptions } from './access-options.ts';
import { addCompare } from './log-compare.ts';

interface ListOptions extends ClientOptions {
  readonly start: number;
  readonly limit: number;
}

const LIST_MAX = 1_000;

export function addLog(program: Command, { context, end }: CommandParts): void {
  const log = program.command('log').description('read the log itself and its proofs');
  const read = (name: string): Command => addReadOptions(log.command(name));
  const run = async (
    options: ClientOptions,
    print: (client: LedgerClient, stdout: Output) => Promise<void>,
  ): Promise<void> => {
    await print(await openReader(options, context), context.stdout);
    end(EXIT.ok);
  };
  const runProof = (options: ClientOptions, path: string): Promise<void> =>
    run(options, async (client, stdout) => {
      stdout.json(await client.getObject(path));
    });

  read('checkpoint')
    .description('the newest signed head, as a signed note')
    .addHelpText('after', '\nExample:\n  $ countersign log checkpoint')
    .action((options: ClientOptions) =>
      run(options, async (client, stdout) => {
        stdout.text(await client.getText('/v1/log/checkpoint'));
      }),
    );
  read('list')
    .description('entries in their order')
    .option('--start <index>', 'first entry', parsePosition('--start'), 0)
    .option('--limit <count>', `at most this many, up to ${LIST_MAX}`, parseLimit, 50)
    .addHelpText('after', '\nExample:\n  $ countersign log list --start 0 --limit 20')
    .action((options: ListOptions) =>
      run(options, (client, stdout) => list(client, stdout, options)),
    );
  read('inclusion')
    .description('proof that an entry is in the log of a size')
    .argument('<index>', 'index of the entry', parsePosition('index'))
    .argument('<size>', 'size of the log', parsePosition('size'))
    .addHelpText('after', '\nExample:\n  $ countersign log inclusion 3 12')
    .action((index: number, size: number, options: ClientOptions) => {
      if (index < size) {
        return runProof(options, `/v1/log/inclusion?index=${index}&size=${size}`);
      }
      throw cliError('USAGE', `index: expected less than the size ${size}, got ${index}`);
    });
  read('consistency')
    .description('proof that the log of one size continues that of another')
    .argument('<from>', 'smaller size', parsePosition('from'))
    .argument('<to>', 'larger size', parsePosition('to'))
    .addHelpText('after', '\nExample:\n  $ countersign log consistency 5 12')
    .action((from: number, to: number, options: ClientOptions) => {
      if (from <= to) return runProof(options, `/v1/log/consistency?from=${from}&to=${to}`);
      throw cliError('USAGE', `from: expected at most the second size ${to}, got ${from}`);
    });
  addExport(read('export'), { context, end });
  addCompare(log.command('compare'), { context, end });
  log.addHelpText(
    'after',
    `
Examples:
  $ countersign log checkpoint
  $ countersign log list --start 0 --limit 20
  $ countersign log inclusion 3 12
  $ countersign log consistency 5 12
  $ countersign log export ./log
  $ countersign log compare one.note other.note --trust trust.json`,
  );
}

function addExport(command: Command, { context, end }: CommandParts): void {
  command
    .description(
      'write the log as files for any auditor’s tool (C2SP tlog-tiles), or what is new of it',
    )
    .argument('<folder>', 'an empty folder, or one that holds an earlier export')
    .addHelpText('after', '\nExample:\n  $ countersign log export ./log')
    .action(async (folder: string, options: ClientOptions) => {
      await writeExport(folder, options, context);
      end(EXIT.ok);
    });
}

async function writeExport(
  folder: string,
  options: ClientOptions,
  context: CliContext,
): Promise<void> {
  const access = await openTrusted(options, context);
  const { path, from, size, files } = await exportLog(resolve(context.cwd, folder), access);
  const words = `the log of ${size} entries is in ${path} (${size - from} new)`;
  const facts = { path, from, size, files };
  new Narrator(context.stderr, options.json === true).say('exported', words, facts);
}

function parsePosition(name: string): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,15}$/.test(text)) return Number(text);
    throw cliError('USAGE', `${name}: expected a whole number`);
  };
}

function parseLimit(text: string): number {
  const limit = parsePosition('--limit')(text);
  if (limit >= 1 && limit <= LIST_MAX) return limit;
  throw cliError('USAGE', `--limit: expected 1 to ${LIST_MAX}`);
}

async function list(client: LedgerClient, stdout: Output, options: ListOptions): Promise<void> {
  const { entries } = await entryPage(client, options);
  for (const entry of entries) {
    const { index, type, leaf } = entry;
    if (options.json === true) stdout.json({ ...entry });
    else stdout.lines(`${String(index).padStart(6)}  ${type.padEnd(18)}  ${leaf}`);
  }
}
