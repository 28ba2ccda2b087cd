import type { Command } from 'commander';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { openFounded } from '../open-data.ts';
import { ProjectorService } from '../projector-service.ts';
import { addServiceOptions, factsOf, foldersOf, type ServiceOptions } from './service-options.ts';
import { serviceRun } from './service-run.ts';
import { addWebhookOptions, webhookTargets, type WebhookOptions } from './webhook-options.ts';

type ProjectorOptions = ServiceOptions & WebhookOptions;

export function addProjector(program: Command, { context, end }: CommandParts): void {
  addWebhookOptions(addServiceOptions(program.command('projector')))
    .description('follow the logs of ledgers on a cluster into their read models')
    .addHelpText(
      'after',
      `
Any number of these may run with the same ledgers. None needs the key of a log. docs/cluster.md

Example:
  $ countersign projector --data ./acme --probe 127.0.0.1:9465`,
    )
    .action(async (options: ProjectorOptions) => {
      end(await runProjector(options, context));
    });
}

async function runProjector(options: ProjectorOptions, context: CliContext): Promise<number> {
  const { nowMs } = context;
  const webhooks = await webhookTargets(options, context);
  return serviceRun(
    {
      name: 'projector',
      folders: foldersOf(options, context),
      options,
      open: openFounded,
      start: (ledgers, parts) => ProjectorService.start({ ledgers, nowMs, webhooks, ...parts }),
      facts: factsOf,
    },
    context,
  );
}
