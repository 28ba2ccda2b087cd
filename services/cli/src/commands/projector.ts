import type { Command } from 'commander';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { openFounded } from '../open-data.ts';
import { ProjectorService } from '../projector-service.ts';
import { addServiceOptions, factsOf, foldersOf, type ServiceOptions } from './service-options.ts';
import { serviceRun } from './service-run.ts';

export function addProjector(program: Command, { context, end }: CommandParts): void {
  addServiceOptions(program.command('projector'))
    .description('follow the logs of ledgers on a cluster into their read models')
    .addHelpText(
      'after',
      `
Any number of these may run with the same ledgers. None needs the key of a log. docs/cluster.md

Example:
  $ countersign projector --data ./acme --probe 127.0.0.1:9465`,
    )
    .action(async (options: ServiceOptions) => {
      end(await runProjector(options, context));
    });
}

async function runProjector(options: ServiceOptions, context: CliContext): Promise<number> {
  const { nowMs } = context;
  return serviceRun(
    {
      name: 'projector',
      folders: foldersOf(options, context),
      options,
      open: openFounded,
      start: (ledgers, parts) => ProjectorService.start({ ledgers, nowMs, ...parts }),
      facts: factsOf,
    },
    context,
  );
}
