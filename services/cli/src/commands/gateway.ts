import type { Command } from 'commander';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { dataFolder } from '../data-folder.ts';
import { GatewayService } from '../gateway-service.ts';
import { dataPath } from '../ledger-access.ts';
import { openFounded } from '../open-data.ts';
import type { Listening } from '../service.ts';
import { portOf } from './founding-options.ts';
import {
  addIdentityOptions,
  chosenIdentity,
  withGivenKey,
  type IdentityOptions,
} from './identity-options.ts';
import {
  addAttestationOptions,
  readAttestationRoots,
  type AttestationOptions,
} from './attestation-options.ts';
import { factsOf, parseListening } from './service-options.ts';
import { serviceRun } from './service-run.ts';

interface GatewayOptions extends IdentityOptions, AttestationOptions {
  readonly data?: string;
  readonly listen?: Listening;
  readonly probe?: Listening;
  readonly publicLog?: true;
  readonly coseReceipts?: true;
  readonly json?: true;
}

export function addGateway(program: Command, { context, end }: CommandParts): void {
  addAttestationOptions(addIdentityOptions(program.command('gateway')))
    .description('answer for one ledger on a cluster: the API, the page, health and metrics')
    .option('--data <dir>', 'data folder (COUNTERSIGN_DATA_DIR)')
    .option(
      '--listen <host:port>',
      'address to listen on (default 127.0.0.1 and the port of its address)',
      parseListening,
    )
    .option(
      '--probe <host:port>',
      'another address for /healthz, /readyz and /metrics (default none)',
      parseListening,
    )
    .option('--public-log', 'let anybody who reaches it read the entries of the log, as tiles')
    .option(
      '--cose-receipts',
      'sign COSE receipts with the key of the log, which this process must then be let use',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Any number of these may run behind the address of a ledger. None needs the key of its log, but
one with --cose-receipts. docs/cluster.md

Example:
  $ countersign gateway --data ./acme --listen 0.0.0.0:7420`,
    )
    .action(async (options: GatewayOptions) => {
      end(await runGateway(options, context));
    });
}

async function runGateway(options: GatewayOptions, context: CliContext): Promise<number> {
  const { nowMs, randomBytes, version } = context;
  const folder = dataFolder(dataPath(options, context));
  const identity = await withGivenKey(await chosenIdentity(options, context), folder);
  const attestationRoots = await readAttestationRoots(options, context);
  return serviceRun(
    {
      name: 'gateway',
      folders: [folder],
      options,
      open: openFounded,
      start: ([data], parts) => {
        const where = options.listen ?? { host: '127.0.0.1', port: portOf({}, data.mark) };
        const publicLog = options.publicLog === true;
        const coseReceipts = options.coseReceipts === true;
        const chosen = { version, publicLog, identity, coseReceipts, attestationRoots };
        const own = { data, where, ...chosen, nowMs, randomBytes };
        return GatewayService.start({ ...own, ...parts });
      },
      facts: (data) => ({ ...factsOf(data), url: data.mark.url }),
    },
    context,
  );
}
