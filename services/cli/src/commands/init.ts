import type { Command } from 'commander';
import { printBanner, readyFacts } from '../banner.ts';
import { EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { dataFolder, readMark } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import type { CommandParts } from '../command-parts.ts';
import { addFoundingOptions, openFounding, type FoundingOptions } from './founding-options.ts';

export function addInit(program: Command, { context, end }: CommandParts): void {
  addFoundingOptions(program.command('init'))
    .description('found a ledger in a data folder without serving it; `serve` does so by itself')
    .addHelpText(
      'after',
      `
Examples:
  $ countersign init --data ./my-ledger --separation full
  $ countersign init --public-url https://approve.example.com --rp-id approve.example.com`,
    )
    .action(async (options: FoundingOptions) => {
      end(await init(options, context));
    });
}

async function init(options: FoundingOptions, context: CliContext): Promise<number> {
  const { stdout } = context;
  const folder = dataFolder(dataPath(options, context));
  const mark = await readMark(folder);
  const data = await openFounding(folder, { options, mark, context });
  await data.broker.close();
  if (options.json === true) stdout.json(readyFacts(data));
  else await printBanner(data, context);
  return EXIT.ok;
}
