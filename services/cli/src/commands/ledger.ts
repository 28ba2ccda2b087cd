import type { Command } from 'commander';
import type { CommandParts } from '../command-parts.ts';
import { EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { assertOneCluster, LedgerService } from '../ledger-service.ts';
import { loggerOf } from '../logger.ts';
import { openData, startedOn } from '../open-data.ts';
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

export function addLedger(program: Command, { context, end }: CommandParts): void {
  addServiceOptions(program.command('ledger'))
    .description('run the writers of ledgers on a cluster, apart from everything else')
    .addHelpText(
      'after',
      `
Any number of these may run with the same ledgers: they share the shards among them. docs/cluster.md

Example:
  $ countersign ledger --data ./acme ./globex --probe 127.0.0.1:9464`,
    )
    .action(async (options: ServiceOptions) => {
      end(await runLedger(options, context));
    });
}

async function runLedger(options: ServiceOptions, context: CliContext): Promise<number> {
  const { nowMs } = context;
  const logger = loggerOf(context, 'ledger');
  const tracing = await startTracing('ledger', context);
  const parts = openParts(context, options);
  const say = saying('ledger', context, options);
  const service = await startedOn(
    foldersOf(options, context),
    (folder) => openData(folder, parts),
    async (ledgers) => {
      assertOneCluster(ledgers);
      const started = await LedgerService.start({ ledgers, probe: options.probe, logger, nowMs });
      say.ready(ledgers.map(factsOf));
      return started;
    },
  );
  await runService(traced(service, tracing), context, say.stopped);
  return EXIT.ok;
}
