import type { Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { dataFolder } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import { prepareMove, moveLedger, type LedgerMove } from '../ledger-move.ts';
import { Narrator } from '../narrator.ts';
import { parseShard } from '../shard-number.ts';

interface MoveOptions {
  readonly data?: string;
  readonly json?: true;
}

interface PrepareOptions extends MoveOptions {
  readonly to: number;
}

export function addMove(program: Command, { context, end }: CommandParts): void {
  const move = program.command('move').description('move a ledger to another shard of its cluster');
  const add = (name: string): Command =>
    move
      .command(name)
      .option('--data <dir>', 'data folder (COUNTERSIGN_DATA_DIR)')
      .option('--json', 'print one JSON object');
  add('prepare')
    .description('take a shard that is free, and print the action that moves the ledger to it')
    .requiredOption('--to <shard>', 'partition of the topics that it is to live on', parseShard)
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign move prepare --to 5 --data ./acme | countersign request - --data ./acme --key ./acme/keys/operator.key --agent-id operator',
    )
    .action(async (options: PrepareOptions) => {
      end(await prepare(options, context));
    });
  add('complete')
    .description(
      'bring log, inputs and content to the shard that the log names, and the folder with them',
    )
    .addHelpText(
      'after',
      `
Once the action of \`prepare\` is approved. It may be run again at any time, and in every data folder of the ledger: where
nothing is left to do, it only corrects the folder. docs/cluster.md, "Moving a tenant"

Example:
  $ countersign move complete --data ./acme`,
    )
    .action(async (options: MoveOptions) => {
      end(await complete(options, context));
    });
}

async function prepare(options: PrepareOptions, context: CliContext): Promise<number> {
  const folder = dataFolder(dataPath(options, context));
  const { tenant, shard: from } = await prepareMove(folder, options.to, context);
  const change = { kind: 'home-moved', tenant, from, to: options.to };
  context.stdout.json({ type: 'authority.home', params: { change } });
  return EXIT.ok;
}

async function complete(options: MoveOptions, context: CliContext): Promise<number> {
  const folder = dataFolder(dataPath(options, context));
  const said = new Narrator(context.stdout, options.json === true);
  const { shard, moves } = await moveLedger(folder, context);
  for (const each of moves) said.say('moved', wordsOf(each), { ...each });
  const isHere = moves.length === 0;
  said.say('home', `${isHere ? 'nothing to move: ' : ''}the ledger lives on shard ${shard}`, {
    shard,
    moved: !isHere,
  });
  return EXIT.ok;
}

function wordsOf({ from, to, wasComplete, ...copied }: LedgerMove): string | string[] {
  if (wasComplete) return `the move from shard ${from} to ${to} was complete`;
  const { logRecords, inputs, content } = copied;
  return [
    `moved from shard ${from} to ${to}`,
    `${logRecords} records of the log, ${inputs} waiting inputs, ${content} of content`,
  ];
}
