import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { keepServer, type KeptServer } from '../kept-server.ts';
import { fetchedJars, java, runOnce } from './kafka-jars.ts';

const START_MS = 90_000;
const LOG_NAME = 'broker.log';
const LIMIT_NAME = 'file-limit';
/** As `ulimit -f` counts. */
const BLOCK_BYTES = 512;
const LIMITED = 'ulimit -f "$(cat "$0")"; exec "$@"';
const LOG_TAIL_CHARS = 3_000;

export interface LocalKafka {
  readonly address: string;
  /** Where its topics are, a folder for each partition. */
  readonly dataFolder: string;
  /** kill -9. */
  readonly crash: () => Promise<void>;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Starts it again on the same data and port. */
  readonly up: () => Promise<void>;
  /** From the next start on no file of it grows beyond: to a broker that is as a full disk. */
  readonly limitFiles: (bytes: number | undefined) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** How a broker that knows its clients is set up. */
export interface BrokerSecurity {
  readonly caFile: string;
  /** Certificate and key of the broker in one file. */
  readonly brokerFile: string;
  /** Subject of that certificate. */
  readonly brokerName: string;
  /** Passwords by user; the one of `admin` may do everything. */
  readonly users: Readonly<Record<string, string>>;
}

export interface SecureKafka extends LocalKafka {
  /** The address is that for TLS with SASL/SCRAM; this one wants a certificate of the client. */
  readonly mtlsAddress: string;
}

/** One node of Apache Kafka on this machine, on free ports, with its data in a temporary folder. */
export async function startLocalKafka(): Promise<LocalKafka> {
  return startPlain(await freePort(), []);
}

export interface ProxiedKafka extends LocalKafka {
  /** Where it listens for what goes through a proxy. */
  readonly behindPort: number;
}

/** The same, which also answers behind a proxy: who comes by the proxy's port is told to come by it again. */
export async function startProxiedKafka(proxyPort: number): Promise<ProxiedKafka> {
  const [port, behindPort] = [await freePort(), await freePort()];
  const behind = [{ port: behindPort, advertised: proxyPort }];
  return { ...(await startPlain(port, behind)), behindPort };
}

async function startPlain(
  port: number,
  behind: readonly { readonly port: number; readonly advertised: number }[],
): Promise<LocalKafka> {
  const controllerPort = await freePort();
  const at = (name: string, where: number): string => `${name}://127.0.0.1:${where}`;
  const listeners = [at('PLAINTEXT', port), ...behind.map((each) => at('BEHIND', each.port))];
  const advertised = [
    at('PLAINTEXT', port),
    ...behind.map((each) => at('BEHIND', each.advertised)),
  ];
  return start({
    port,
    settings: [
      `listeners=${[...listeners, at('CONTROLLER', controllerPort)].join(',')}`,
      `advertised.listeners=${advertised.join(',')}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name=PLAINTEXT',
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    ],
    format: [],
  });
}

/** The same with nothing but TLS, where nobody may do anything that no ACL allows. */
export async function startSecureKafka(security: BrokerSecurity): Promise<SecureKafka> {
  const [port, mtlsPort, controllerPort] = [await freePort(), await freePort(), await freePort()];
  const listeners = `SASL://127.0.0.1:${port},MTLS://127.0.0.1:${mtlsPort}`;
  const broker = await start({
    port,
    settings: [
      `listeners=${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=${listeners}`,
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      'listener.security.protocol.map=SASL:SASL_SSL,MTLS:SSL,CONTROLLER:SSL',
      'inter.broker.listener.name=MTLS',
      'listener.name.mtls.ssl.client.auth=required',
      'listener.name.controller.ssl.client.auth=required',
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${security.brokerFile}`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${security.caFile}`,
      'sasl.enabled.mechanisms=SCRAM-SHA-512',
      'listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      `super.users=User:${security.brokerName};User:admin`,
    ],
    format: Object.entries(security.users).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${password}]`,
    ]),
  });
  return { ...broker, mtlsAddress: `127.0.0.1:${mtlsPort}` };
}

interface BrokerPlace {
  readonly port: number;
  readonly folder: string;
}

async function start(node: {
  readonly port: number;
  readonly settings: readonly string[];
  readonly format: readonly string[];
}): Promise<LocalKafka> {
  const jars = await fetchedJars();
  const folder = await mkdtemp(path.join(tmpdir(), 'countersign-kafka-'));
  const dataFolder = path.join(folder, 'data');
  const file = path.join(folder, 'server.properties');
  await writeFile(file, [...node.settings, ...commonSettings(dataFolder), ''].join('\n'));
  // Its first letter must not make an option of it.
  const id = Buffer.from([0, ...randomBytes(15)]).toString('base64url');
  const format = ['format', '-t', id, '-c', file, ...node.format];
  runOnce('java', java(jars, 'kafka.tools.StorageTool', format));
  const limit = path.join(folder, LIMIT_NAME);
  await writeFile(limit, 'unlimited');
  const server = await keepServer({
    folder,
    log: path.join(folder, LOG_NAME),
    command: ['sh', '-c', LIMITED, limit, 'java', ...java(jars, 'kafka.Kafka', [file])],
  });
  const place = { port: node.port, folder };
  await up(server, place);
  return {
    address: `127.0.0.1:${node.port}`,
    dataFolder,
    crash: () => server.tell('crash'),
    pause: () => server.tell('pause'),
    resume: () => server.tell('resume'),
    up: () => up(server, place),
    limitFiles: (bytes) =>
      writeFile(limit, bytes === undefined ? 'unlimited' : String(Math.ceil(bytes / BLOCK_BYTES))),
    stop: () => server.stop(),
  };
}

function commonSettings(dataFolder: string): string[] {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${dataFolder}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'auto.create.topics.enable=false',
    'group.initial.rebalance.delay.ms=0',
    // So that a test can wait for a compaction and for a deletion.
    'log.cleaner.backoff.ms=100',
    'log.retention.check.interval.ms=500',
    'log.segment.delete.delay.ms=100',
    'log.initial.task.delay.ms=100',
  ];
}

/** A broker that was just killed may hold its port for a moment, so that the next one ends at once: it is started until it stays. */
async function up(server: KeptServer, { port, folder }: BrokerPlace): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    await server.tell('up');
    for (let tries = 0; tries < 20; tries += 1) {
      if (await accepts(port)) return;
      await sleep(50);
    }
    if (Date.now() < deadline && server.isKept) continue;
    // Before the folder goes with the broker.
    const log = await readFile(path.join(folder, LOG_NAME), 'utf8');
    await server.stop();
    throw new Error(`expected the broker of the tests to start:\n${log.slice(-LOG_TAIL_CHARS)}`);
  }
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
