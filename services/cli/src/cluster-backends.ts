import { readFile } from 'node:fs/promises';
import { BrokerError, type Topic } from '@countersign/broker';
import {
  groupSize,
  joinGroup,
  kafkaRouterHome,
  openKafkaBroker,
  readKafkaSecurity,
  type KafkaBrokerOptions,
} from '@countersign/broker-kafka';
import { PUBLIC_TOPICS } from '@countersign/ledger';
import { kmsClient, openKmsSigner } from '@countersign/signer-kms';
import { checkLogin, openPostgresStore, type PostgresOptions } from '@countersign/store-postgres';
import type { Backends, BackendsContext } from './backends.ts';
import { cliError } from './cli-error.ts';
import type { ClusterConfig, Tls } from './cluster-config.ts';
import type { LedgerMark } from './data-folder.ts';
import { DiskRoom } from './disk-room.ts';

export { checkTopics, createTopics } from '@countersign/broker-kafka';

const LEDGER_GROUP = 'ledger';
const DEFAULT_PREFIX = 'countersign.';
const DEFAULT_SCHEMA_PREFIX = 'countersign_shard_';
/** Of a URL: those that the client knows to mean TLS. */
const TLS_MODES = /^(?:prefer|require|verify-ca|verify-full|no-verify)$/;
/** This machine, or a socket on it. */
const LOOPBACK = /^(?:|localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

interface Where {
  readonly mark: LedgerMark;
  readonly context: BackendsContext;
}

/**
 * Topics and log on Kafka, the key in AWS KMS, read models in PostgreSQL.
 *
 * @throws CliError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function clusterBackends(
  config: ClusterConfig,
  { mark, context }: Where,
): Promise<Backends> {
  const kafka = await kafkaOptions(config);
  const postgres = await postgresOptions(config, mark, context);
  const home = kafkaRouterHome(kafka);
  const group = { ...kafka, name: LEDGER_GROUP };
  return {
    openBroker: () => openKafkaBroker(kafka),
    // The key is its owner's to make, in KMS: deploy/kms.
    createLogKey: () => Promise.resolve(),
    openSigners: () => {
      const { key_id: keyId, more_key_ids: more = [], region, endpoint } = config.kms;
      const client = kmsClient({ region, ...(endpoint !== undefined && { endpoint }) });
      const opened = [keyId, ...more].map((each) =>
        openKmsSigner({ keyId: each, name: mark.origin, client }),
      );
      return Promise.all(opened);
    },
    openStore: () => openPostgresStore(postgres),
    openSharedStore: () => openPostgresStore(postgres),
    checkStore: () => checkLogin(postgres),
    shardCount: () => partitionsOf('log', kafka),
    routing: {
      positions: home,
      publicPartitions: (topic) => home.partitionsOf(topic),
      close: () => {
        home.close();
      },
    },
    heldFiles: [],
    // What the broker's disks hold, the broker says.
    room: () => new DiskRoom(() => Promise.resolve(Infinity)),
    topics: JSON.stringify([kafka.brokers, kafka.prefix]),
    group: {
      join: (onAssigned) =>
        joinGroup({ ...group, topics: ['intake', ...PUBLIC_TOPICS], onAssigned }),
      size: () => groupSize(group),
    },
  };
}

/** On a connection that does not stay: whoever opens a ledger may close its broker and nothing else. */
async function partitionsOf(topic: Topic, kafka: KafkaBrokerOptions): Promise<number> {
  const asked = kafkaRouterHome(kafka);
  try {
    return await asked.partitionsOf(topic);
  } finally {
    asked.close();
  }
}

/** @throws CliError CONFIG_INVALID */
export async function kafkaOptions({ kafka }: ClusterConfig): Promise<KafkaBrokerOptions> {
  const { brokers, prefix = DEFAULT_PREFIX } = kafka;
  try {
    return { brokers, prefix, ...(await readKafkaSecurity(securityIn(kafka))) };
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    throw cliError('CONFIG_INVALID', `kafka: ${error.message}`, { cause: error });
  }
}

function securityIn({ tls, sasl }: ClusterConfig['kafka']): Record<string, unknown> {
  return given({
    tls: tls && given({ caFile: tls.ca_file, certFile: tls.cert_file, keyFile: tls.key_file }),
    sasl:
      sasl &&
      given({
        mechanism: sasl.mechanism,
        username: sasl.username,
        passwordFile: sasl.password_file,
      }),
  });
}

function given(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** The environment wins over the file: a password that a platform hands out need not be written anywhere. */
async function postgresOptions(
  { postgres }: ClusterConfig,
  { shard }: LedgerMark,
  { env }: BackendsContext,
): Promise<PostgresOptions> {
  const text = env['COUNTERSIGN_POSTGRES_URL'] ?? postgres.url;
  if (!URL.canParse(text)) {
    throw cliError('CONFIG_INVALID', 'postgres: expected a URL postgres://user@host:port/database');
  }
  const url = new URL(text);
  if (postgres.password_file !== undefined) {
    url.password = encodeURIComponent((await textOf(postgres.password_file)).trim());
  }
  assertNotOverheard(url, postgres, env);
  const prefix = postgres.schema_prefix ?? DEFAULT_SCHEMA_PREFIX;
  return {
    url: url.href,
    schema: `${prefix}${shard}`,
    ...(postgres.tls !== undefined && { ssl: await tlsOf(postgres.tls) }),
  };
}

/** A password that a network sees is everybody's. @throws CliError CONFIG_INVALID */
function assertNotOverheard(
  { hostname, password, searchParams }: URL,
  { tls, allow_plaintext: isAllowed }: ClusterConfig['postgres'],
  env: BackendsContext['env'],
): void {
  const hasPassword = password !== '' || (env['PGPASSWORD'] ?? '') !== '';
  const hasTls = tls !== undefined || TLS_MODES.test(searchParams.get('sslmode') ?? '');
  if (!hasPassword || hasTls || isAllowed === true) return;
  if (LOOPBACK.test(hostname)) return;
  throw cliError('CONFIG_INVALID', `postgres: expected TLS to ${hostname}, got none`, {
    hint:
      'its password would go over the network as it is: add "tls": {} (or with ca_file) to postgres in cluster.json; ' +
      'where that network is yours alone, "allow_plaintext": true',
  });
}

async function tlsOf(tls: Tls): Promise<Record<string, string>> {
  const files = { ca: tls.ca_file, cert: tls.cert_file, key: tls.key_file };
  const read: Record<string, string> = {};
  for (const [name, path] of Object.entries(files)) {
    if (path !== undefined) read[name] = await textOf(path);
  }
  return read;
}

/** @throws CliError FILE_UNREADABLE */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw cliError('FILE_UNREADABLE', `expected a readable file at ${path}`, { cause: error });
  }
}
