import type { Command } from 'commander';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { assertOneCluster, LedgerService } from '../ledger-service.ts';
import { openData } from '../open-data.ts';
import { addServiceOptions, factsOf, foldersOf, type ServiceOptions } from './service-options.ts';
import { serviceRun } from './service-run.ts';

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
  return serviceRun(
    {
      name: 'ledger',
      folders: foldersOf(options, context),
      options,
      open: openData,
      start: (ledgers, parts) => {
        assertOneCluster(ledgers);
        return LedgerService.start({ ledgers, nowMs, ...parts });
      },
      facts: factsOf,
    },
    context,
  );
}
