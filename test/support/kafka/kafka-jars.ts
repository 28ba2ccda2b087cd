import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CACHE = path.join(HERE, '../../../.cache/kafka');
const OUTPUT_CHARS = 3_000;

/** Kafka's own commands, by the names that they have in its distribution. */
const TOOLS = {
  'kafka-acls.sh': 'org.apache.kafka.tools.AclCommand',
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
  'kafka-topics.sh': 'org.apache.kafka.tools.TopicCommand',
} as const;

/** Downloaded once for each state of the pom: beside the other caches, outside of what is committed. */
export async function fetchedJars(): Promise<string> {
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

/** The arguments of `java` for one of their main classes. */
export function java(jars: string, main: string, args: readonly string[]): string[] {
  const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-Djava.awt.headless=true'];
  return [...jvm, '-cp', path.join(jars, '*'), main, ...args];
}

/** A folder for PATH in which Kafka's commands are, so that a command is run as it is written in its documentation. */
export async function kafkaTools(folder: string): Promise<string> {
  const jars = await fetchedJars();
  for (const [name, main] of Object.entries(TOOLS)) {
    // Short lives: compiling well would take longer than running.
    const words = ['java', '-XX:TieredStopAtLevel=1', ...java(jars, main, [])];
    const line = words.map((word) => `'${word}'`).join(' ');
    const file = path.join(folder, name);
    await writeFile(file, `#!/bin/sh\nexec ${line} "$@"\n`);
    await chmod(file, 0o755);
  }
  return folder;
}

export function runOnce(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`expected ${command} to succeed:\n${stdout}${stderr}`.slice(0, OUTPUT_CHARS));
}
