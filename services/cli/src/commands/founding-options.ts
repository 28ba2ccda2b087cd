import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Separation } from '@countersign/binding';
import { readWitnessPolicy, withWitnesses } from '../asked-witnesses.ts';
import { cliError } from '../cli-error.ts';
import { readClusterFile } from '../cluster-config.ts';
import type { CliContext } from '../context.ts';
import { foundersOf, type DataFolder, type LedgerMark } from '../data-folder.ts';
import type { FoundingChoice } from '../founding.ts';
import { originOf } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { openData, type OpenData } from '../open-data.ts';
import {
  assertSameRules,
  foundingRules,
  recoveryFor,
  RECOVERY_DELAY_H,
} from '../founding-rules.ts';
import { parseShard } from '../shard-number.ts';

export interface FoundingOptions {
  readonly data?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly demo?: true;
  readonly origin?: string;
  readonly rpId?: string;
  readonly separation?: Separation;
  readonly cluster?: string;
  readonly tenant?: string;
  readonly shard?: number;
  readonly witnessPolicy?: string;
  readonly policy?: string;
  readonly policyCedar?: string;
  readonly bootstrap?: string;
  readonly founders?: number;
  /** False with `--no-recovery`. */
  readonly recovery?: boolean;
  readonly recoveryQuorum?: number;
  readonly recoveryDelay?: number;
  readonly json?: true;
}

const DEFAULT_TENANT = 'default';
const DEFAULT_PORT = 7420;
const PORT_MAX = 65_535;

/** What decides what a new ledger is. On a folder that holds one they may only repeat what it is. */
export function addFoundingOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder (COUNTERSIGN_DATA_DIR; default ./countersign-data)')
    .option('--port <number>', `port on this machine (default ${DEFAULT_PORT})`, parsePort)
    .option('--public-url <url>', 'address that people type (default http://localhost:PORT)')
    .option(
      '--demo',
      'found a demonstration: verifiers refuse it unless they are told to accept it',
    )
    .option('--origin <name>', 'name of the new log (default countersign.local/ULID/0)')
    .option('--rp-id <domain>', 'domain that passkeys are bound to (default: of the address)')
    .addOption(
      new Option(
        '--separation <kind>',
        'solo: the owner of an agent may approve what it asks; full: never (default solo)',
      ).choices(['solo', 'full']),
    )
    .option(
      '--cluster <file>',
      'found it on Kafka, AWS KMS and PostgreSQL, as this file says; later: where they are now',
    )
    .option('--tenant <id>', `whose ledger it is (default ${DEFAULT_TENANT})`, parseTenant)
    .option(
      '--shard <number>',
      'partition of the topics that is to be its own (default 0)',
      parseShard,
    )
    .option(
      '--witness-policy <file>',
      'who is asked to cosign its heads, and how many must have; kept in its trust file',
    )
    .option('--policy <file>', 'found it with this policy in the place of the usual one')
    .option('--policy-cedar <file>', 'the Cedar of --policy, from a file of its own')
    .option(
      '--bootstrap <file>',
      'found it with this rule for changes of the authority: schemas/formats/policy.md, section 4',
    )
    .option(
      '--founders <number>',
      'how many persons it invites, each by a link of their own (default 1)',
      wholeNumber('--founders', 16),
    )
    .option(
      '--recovery-quorum <number>',
      'how many persons start the recovery of a lost key: docs/recovery.md (default: as many as a change needs)',
      wholeNumber('--recovery-quorum', 16),
    )
    .option(
      '--recovery-delay <hours>',
      `how long it can be cancelled before it takes effect (default ${RECOVERY_DELAY_H})`,
      wholeNumber('--recovery-delay', 720),
    )
    .option('--no-recovery', 'found it without any: whose keys are lost is lost for good')
    .option('--json', 'print JSON');
}

function wholeNumber(option: string, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^[0-9]{1,3}$/.test(text) && number >= 1 && number <= most) return number;
    throw cliError('USAGE', `${option}: expected a number from 1 to ${most}`);
  };
}

function parseTenant(text: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(text)) return text;
  throw cliError(
    'USAGE',
    'expected a tenant like acme: a-z, 0-9, dot, dash; at most 63 characters',
  );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= 1 && port <= PORT_MAX) return port;
  throw cliError('USAGE', `expected a port from 1 to ${PORT_MAX}`);
}

interface Founding {
  readonly options: FoundingOptions;
  readonly mark: LedgerMark | undefined;
  readonly context: CliContext;
}

/**
 * Opens the ledger of a data folder, and founds it when there is none.
 *
 * @throws CliError as openData, and DATA_OTHER_FOUNDING, CONFIG_INVALID
 */
export async function openFounding(
  folder: DataFolder,
  { options, mark, context }: Founding,
): Promise<OpenData> {
  const cluster =
    options.cluster === undefined
      ? undefined
      : await readClusterFile(resolve(context.cwd, options.cluster));
  const policy =
    options.witnessPolicy === undefined
      ? undefined
      : await readWitnessPolicy(resolve(context.cwd, options.witnessPolicy));
  if (mark === undefined) assertShard(options);
  else assertSameFounding(options, mark);
  const narrator = new Narrator(context.stderr, options.json === true);
  const founders = mark === undefined ? foundersIn(options) : undefined;
  const rules = await foundingRules(options, founders, context);
  if (mark !== undefined) assertSameRules(rules, mark);
  const choice = {
    ...foundingChoice(options, cluster),
    ...rules,
    ...recoveryFor(options, rules),
  };
  const data = await openData(folder, { ...context, choice, narrator });
  if (policy === undefined) return data;
  try {
    return await withWitnesses(data, policy);
  } catch (error) {
    await data.broker.close();
    throw error;
  }
}

function assertShard({ shard, cluster }: FoundingOptions): void {
  if (shard === undefined || shard === 0 || cluster !== undefined) return;
  throw cliError('USAGE', 'expected --shard only together with --cluster');
}

function foundingChoice(options: FoundingOptions, cluster: string | undefined): FoundingChoice {
  const { port = DEFAULT_PORT, publicUrl, origin, rpId, demo, separation, founders } = options;
  return {
    tenant: options.tenant ?? DEFAULT_TENANT,
    shard: options.shard ?? 0,
    cluster,
    url: originOf(publicUrl ?? `http://localhost:${port}`),
    origin,
    rpId,
    demo: demo === true,
    separation: separation ?? 'solo',
    ...(founders !== undefined && { founders }),
  };
}

/**
 * @throws CliError DATA_OTHER_FOUNDING: what a ledger is was fixed when it was founded
 */
function assertSameFounding(options: FoundingOptions, mark: LedgerMark): void {
  const { publicUrl, port, demo, origin, rpId, separation, tenant, shard, cluster } = options;
  const asked = publicUrl ?? (port === undefined ? undefined : `http://localhost:${port}`);
  const differing = [
    // Behind a proxy the port is nobody's business; on localhost it is part of the address.
    isLocal(mark) || publicUrl !== undefined ? differs('address', asked, mark.url) : undefined,
    demo === true ? differs('demo', true, mark.demo) : undefined,
    differs('origin', origin, mark.origin),
    differs('rp-id', rpId, mark.rp_id),
    differs('separation', separation, mark.separation),
    differs('founders', options.founders, foundersOf(mark).length),
    differs('tenant', tenant, mark.tenant),
    differs('shard', shard, mark.shard),
    cluster === undefined ? undefined : differs('tier', 'cluster', mark.tier ?? 'files'),
    ...recoveryDiffers(options, mark),
  ].find((each) => each !== undefined);
  if (differing === undefined) return;
  throw cliError('DATA_OTHER_FOUNDING', `the ledger in this folder was founded with ${differing}`, {
    hint: 'leave the option out, or found another ledger with --data DIR',
  });
}

function foundersIn({ founders = 1, separation = 'solo' }: FoundingOptions): {
  readonly count: number;
  readonly separation: Separation;
} {
  return { count: founders, separation };
}

function recoveryDiffers(
  { recovery, recoveryQuorum, recoveryDelay }: FoundingOptions,
  { recovery: is }: LedgerMark,
): (string | undefined)[] {
  return [
    recovery !== false ? undefined : differs('recovery', false, is !== undefined),
    differs('recovery-quorum', recoveryQuorum, is?.quorum ?? 'none'),
    differs('recovery-delay', recoveryDelay, is?.delay_h ?? 'none'),
  ];
}

function differs<T>(name: string, asked: T | undefined, is: T): string | undefined {
  return asked === undefined || asked === is ? undefined : `${name} ${String(is)}`;
}

function isLocal({ url }: LedgerMark): boolean {
  return new URL(url).hostname === 'localhost';
}

/** Where the gateway listens: what is asked for, else where its address says. */
export function portOf(options: FoundingOptions, mark: LedgerMark | undefined): number {
  if (options.port !== undefined) return options.port;
  const url = mark?.url ?? options.publicUrl;
  if (url === undefined) return DEFAULT_PORT;
  const { hostname, port } = new URL(originOf(url));
  return hostname === 'localhost' && port !== '' ? Number(port) : DEFAULT_PORT;
}
