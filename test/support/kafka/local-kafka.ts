import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchedJars, java, runOnce } from './kafka-jars.ts';

const START_MS = 90_000;
const STOP_MS = 20_000;
const LOG_NAME = 'broker.log';
const LOG_TAIL_CHARS = 3_000;

export interface LocalKafka {
  readonly address: string;
  /** Where its topics are, a folder for each partition. */
  readonly dataFolder: string;
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
  const [port, controllerPort] = [await freePort(), await freePort()];
  return start({
    port,
    settings: [
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
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
  const id = randomBytes(16).toString('base64url');
  const format = ['format', '-t', id, '-c', file, ...node.format];
  runOnce('java', java(jars, 'kafka.tools.StorageTool', format));
  const child = await startKept(folder, java(jars, 'kafka.Kafka', [file]));
  await listening(child, { port: node.port, folder });
  return { address: `127.0.0.1:${node.port}`, dataFolder, stop: () => stopKept(child) };
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

/**
 * Started by a shell that waits for the end of its standard input: that comes when we close it, and when we die,
 * however that happens. Then the broker is killed and its folder removed, so nothing outlives the tests.
 */
async function startKept(folder: string, args: readonly string[]): Promise<ChildProcess> {
  const script = 'folder=$1; shift; "$@" & cat >/dev/null; kill -9 $!; wait; rm -rf "$folder"';
  const log = await open(path.join(folder, LOG_NAME), 'w');
  const child = spawn('sh', ['-c', script, 'sh', folder, 'java', ...args], {
    // Not of our group: a Ctrl-C is ours, and reaches it as the end of its input.
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
  });
  await log.close();
  return child;
}

async function stopKept(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  const isEnded = await Promise.race([
    ended.then(() => true),
    sleep(STOP_MS, false, { ref: false }),
  ]);
  if (!isEnded) throw new Error('expected the broker of the tests to stop');
}

async function listening(
  child: ChildProcess,
  { port, folder }: { readonly port: number; readonly folder: string },
): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await accepts(port))) {
    if (Date.now() < deadline && child.exitCode === null) {
      await sleep(50);
      continue;
    }
    // Before the folder goes with the broker.
    const log = await readFile(path.join(folder, LOG_NAME), 'utf8');
    await stopKept(child);
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
