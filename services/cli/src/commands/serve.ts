import type { Command } from 'commander';
import { printBanner, readyFacts } from '../banner.ts';
import { EXIT } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { dataFolder, readMark } from '../data-folder.ts';
import { dataPath } from '../ledger-access.ts';
import type { CommandParts } from '../command-parts.ts';
import { loggerOf } from '../logger.ts';
import { assertPortFree, Server } from '../server.ts';
import { runService } from '../service.ts';
import { startTracing, traced } from '../tracing.ts';
import {
  addFoundingOptions,
  openFounding,
  portOf,
  type FoundingOptions,
} from './founding-options.ts';
import {
  addIdentityOptions,
  chosenIdentity,
  withSubjectKey,
  type IdentityOptions,
} from './identity-options.ts';
import {
  addAttestationOptions,
  readAttestationRoots,
  type AttestationOptions,
} from './attestation-options.ts';
import { addWebhookOptions, webhookTargets, type WebhookOptions } from './webhook-options.ts';

interface ServeOptions
  extends FoundingOptions, WebhookOptions, IdentityOptions, AttestationOptions {
  readonly host: string;
  readonly publicLog?: true;
}

export function addServe(program: Command, { context, end }: CommandParts): void {
  addAttestationOptions(
    addIdentityOptions(addWebhookOptions(addFoundingOptions(program.command('serve')))),
  )
    .description('run the whole ledger in this process; founds it on the first start')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--public-log', 'let anybody who reaches it read the entries of the log, as tiles')
    .addHelpText(
      'after',
      `
Logs go to stderr as JSON, from the level in COUNTERSIGN_LOG_LEVEL on (default warn). Ctrl-C stops it; starting again
goes on where it was.

Examples:
  $ countersign serve
  $ countersign serve --data ./my-ledger --port 8420
  $ countersign serve --demo --data /tmp/demo`,
    )
    .action(async (options: ServeOptions) => {
      end(await serve(options, context));
    });
}

async function serve(options: ServeOptions, context: CliContext): Promise<number> {
  const { nowMs, randomBytes, version, stdout } = context;
  const logger = loggerOf(context, 'serve');
  const tracing = await startTracing('serve', context);
  const folder = dataFolder(dataPath(options, context));
  const mark = await readMark(folder);
  const port = portOf(options, mark);
  const { host } = options;
  if (mark === undefined) await assertPortFree({ host, port });
  const webhooks = await webhookTargets(options, context);
  const chosen = await chosenIdentity(options, context);
  const attestationRoots = await readAttestationRoots(options, context);
  const data = await openFounding(folder, { options, mark, context });
  const publicLog = options.publicLog === true;
  const identity = await withSubjectKey(chosen, data, randomBytes);
  const where = { host, port, version, publicLog, webhooks, identity, attestationRoots };
  const server = await Server.start({ data, ...where, logger, nowMs, randomBytes });
  const isJson = options.json === true;
  if (isJson) stdout.json({ event: 'ready', ...readyFacts(data) });
  else await printBanner(data, context);
  await runService(traced(server, tracing), context, (why) => {
    if (isJson) stdout.json({ event: 'stopped', why });
    else {
      stdout.lines(
        `Stopped (${why}). Everything acknowledged is kept; \`${context.command} serve\` goes on from here.`,
      );
    }
  });
  return EXIT.ok;
}
