import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CACHE = path.join(HERE, '../../../.cache/kafka');
const LOG_FILE = path.join(CACHE, 'broker.log');
const START_MS = 90_000;
const STOP_MS = 20_000;
const LOG_TAIL_CHARS = 3_000;

export interface LocalKafka {
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** One node of Apache Kafka on this machine, on free ports, with its data in a temporary folder. */
export async function startLocalKafka(): Promise<LocalKafka> {
  const jars = await fetchedJars();
  const folder = await mkdtemp(path.join(tmpdir(), 'countersign-kafka-'));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const settings = path.join(folder, 'server.properties');
  await writeFile(settings, propertiesOf({ folder, port, controllerPort }));
  const id = randomBytes(16).toString('base64url');
  const format = java(jars, 'kafka.tools.StorageTool', ['format', '-t', id, '-c', settings]);
  runOnce('java', format);
  const child = await startKept(folder, java(jars, 'kafka.Kafka', [settings]));
  await listening(child, port);
  return {
    address: `127.0.0.1:${port}`,
    stop: () => stopKept(child),
  };
}

/** Downloaded once for each state of the pom: beside the other caches, outside of what is committed. */
async function fetchedJars(): Promise<string> {
  const pom = path.join(HERE, 'pom.xml');
  const version = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex');
  const jars = path.join(CACHE, version.slice(0, 16));
  if (existsSync(jars)) return jars;
  await mkdir(CACHE, { recursive: true });
  const partial = await mkdtemp(path.join(CACHE, 'partial-'));
  runOnce('mvn', [
    ...['-q', '-B', '-f', pom, 'dependency:copy-dependencies'],
    ...['-DincludeScope=runtime', `-DoutputDirectory=${partial}`],
  ]);
  // Whole or not there: a download that was cut stays under its own name.
  await rename(partial, jars);
  return jars;
}

function java(jars: string, main: string, args: readonly string[]): string[] {
  const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-Djava.awt.headless=true'];
  return [...jvm, '-cp', path.join(jars, '*'), main, ...args];
}

function propertiesOf(at: { folder: string; port: number; controllerPort: number }): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${at.controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${at.port},CONTROLLER://127.0.0.1:${at.controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${at.port}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${path.join(at.folder, 'data')}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'auto.create.topics.enable=false',
    'group.initial.rebalance.delay.ms=0',
    // So that a test can wait for a compaction and for a deletion.
    'log.cleaner.backoff.ms=100',
    'log.segment.delete.delay.ms=100',
    'log.initial.task.delay.ms=100',
    '',
  ].join('\n');
}

/**
 * Started by a shell that waits for the end of its standard input: that comes when we close it, and when we die,
 * however that happens. Then the broker is killed and its folder removed, so nothing outlives the tests.
 */
async function startKept(folder: string, args: readonly string[]): Promise<ChildProcess> {
  const script = 'folder=$1; shift; "$@" & cat >/dev/null; kill -9 $!; wait; rm -rf "$folder"';
  const log = await open(LOG_FILE, 'w');
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

async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await accepts(port))) {
    if (Date.now() < deadline && child.exitCode === null) {
      await sleep(50);
      continue;
    }
    await stopKept(child);
    const log = await readFile(LOG_FILE, 'utf8');
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

function runOnce(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`expected ${command} to succeed:\n${stdout}${stderr}`.slice(0, LOG_TAIL_CHARS));
}
