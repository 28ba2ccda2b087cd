import { SHARD_MAX } from '@countersign/binding';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { cliError, EXIT } from '../cli-error.ts';
import type { LaidTopics } from '@countersign/broker-kafka';
import { clusterError } from '../data-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { readClusterFile, parseClusterConfig, type ClusterConfig } from '../cluster-config.ts';
import type { CliContext } from '../context.ts';

interface TopicOptions {
  readonly cluster: string;
  readonly partitions?: number;
  readonly replicas: number;
}

const PARTITIONS_MAX = SHARD_MAX + 1;
const REPLICAS_MAX = 9;

export function addTopics(program: Command, { context, end }: CommandParts): void {
  const topics = program.command('topics').description('the Kafka topics of a cluster');
  const withCluster = (name: string): Command =>
    topics
      .command(name)
      .requiredOption('--cluster <file>', 'where the cluster is: docs/cluster.md');
  withCluster('create')
    .description('make those that are missing, and add partitions to those that have fewer')
    .option(
      '--partitions <count>',
      'of each topic: as many ledgers can live on them (default as many as there are, or 4)',
      count('--partitions', PARTITIONS_MAX),
    )
    .option('--replicas <count>', 'of each partition', count('--replicas', REPLICAS_MAX), 3)
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign topics create --cluster cluster.json --partitions 12',
    )
    .action(async (options: TopicOptions) => {
      const { createTopics, kafkaOptions } = await import('../cluster-backends.ts');
      const { partitions, replicas } = options;
      const kafka = await kafkaOptions(await configOf(options, context));
      const { prefix } = kafka;
      const layout = { prefix, replicas, ...(partitions !== undefined && { partitions }) };
      context.stdout.lines(...layoutLines(await told(createTopics(kafka, layout)), prefix));
      end(EXIT.ok);
    });
  withCluster('check')
    .description('say what is wrong with them, and the command that mends it')
    .addHelpText('after', '\nExample:\n  $ countersign topics check --cluster cluster.json')
    .action(async (options: TopicOptions) => {
      const { checkTopics, kafkaOptions } = await import('../cluster-backends.ts');
      const kafka = await kafkaOptions(await configOf(options, context));
      await told(checkTopics(kafka));
      context.stdout.lines(`topics ${kafka.prefix}* are as they have to be`);
      end(EXIT.ok);
    });
  topics.addHelpText(
    'after',
    `
Examples:
  $ countersign topics create --cluster cluster.json --partitions 12
  $ countersign topics check --cluster cluster.json`,
  );
}

function layoutLines(laid: LaidTopics, prefix: string): string[] {
  const { partitions, made, grown, larger } = laid;
  const said: readonly (readonly [readonly string[], string])[] = [
    [made, `made with ${partitions} partitions`],
    [grown, `have ${partitions} partitions now; what is in the others stays as it is`],
    [larger, `have more than ${partitions} partitions already, and Kafka takes none away`],
  ];
  return [
    ...said.flatMap(([names, what]) => (names.length === 0 ? [] : [`${names.join(' ')}: ${what}`])),
    `topics ${prefix}* are there`,
  ];
}

async function configOf(options: TopicOptions, context: CliContext): Promise<ClusterConfig> {
  const path = resolve(context.cwd, options.cluster);
  return parseClusterConfig(await readClusterFile(path), path);
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw clusterError(error);
  }
}

function count(name: string, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,5}$/.test(text) && value >= 1 && value <= max) return value;
    throw cliError('USAGE', `${name}: expected 1 to ${max}`);
  };
}
