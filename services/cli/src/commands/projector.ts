import type { Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { loggerOf } from '../logger.ts';
import { openFounded, startedOn } from '../open-data.ts';
import { ProjectorService } from '../projector-service.ts';
import { runService } from '../service.ts';
import { startTracing, traced } from '../tracing.ts';
import {
  addServiceOptions,
  factsOf,
  foldersOf,
  openParts,
  saying,
  type ServiceOptions,
} from './service-options.ts';

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
  const logger = loggerOf(context, 'projector');
  const tracing = await startTracing('projector', context);
  const { nowMs } = context;
  const parts = openParts(context, options);
  const say = saying('projector', context, options);
  const service = await startedOn(
    foldersOf(options, context),
    (folder) => openFounded(folder, parts),
    async (ledgers) => {
      const started = await ProjectorService.start({
        ledgers,
        probe: options.probe,
        logger,
        nowMs,
      });
      say.ready(ledgers.map(factsOf));
      return started;
    },
  );
  await runService(traced(service, tracing), context, say.stopped);
  return EXIT.ok;
}
