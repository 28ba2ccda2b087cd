import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError, type Topic } from '@countersign/broker';
import kafkajs, { Kafka, type Admin } from 'kafkajs';
import { brokerError, isProtocolError } from './kafka-failure.ts';
import { clientSettings, type KafkaConnection } from './kafka-link.ts';
import {
  BROKERS_FOR_REPLICATION,
  faultOf,
  settingsOf,
  TOPICS,
  type FoundTopic,
  type Settings,
  type TopicFault,
} from './topic-settings.ts';

const ANSWER_TRIES = 100;
const ANSWER_PAUSE_MS = 50;
const DEFAULT_PARTITIONS = 4;

export interface TopicNaming {
  /** Before the name of each topic. */
  readonly prefix: string;
}

export interface TopicLayout extends TopicNaming {
  /** Of each topic. As many as the others have, where it is not given, and 4 where there are none. */
  readonly partitions?: number;
  readonly replicas: number;
}

/** What became of the topics. */
export interface LaidTopics {
  /** Of those that were made, and of those that have grown. */
  readonly partitions: number;
  readonly made: readonly string[];
  /** Those that got more partitions. */
  readonly grown: readonly string[];
  /** Those that have more partitions than were asked for: Kafka takes none away. */
  readonly larger: readonly string[];
}

/**
 * Makes the topics that are missing, and gives more partitions to those that have fewer. Otherwise they stay as they are. What is in
 * the old partitions stays there and stays theirs: everything of a shard is written and read with its partition.
 *
 * Crash story: stopping in between leaves topics of different sizes, which `checkTopics` refuses; the next call goes on.
 * @throws {BrokerError} BROKER_TOPIC_SETTINGS, BROKER_DENIED, BROKER_UNAVAILABLE
 */
export async function createTopics(
  connection: KafkaConnection,
  layout: TopicLayout,
): Promise<LaidTopics> {
  const { prefix, replicas } = layout;
  return withAdmin(connection, async (admin) => {
    const there = new Set(await admin.listTopics());
    const known = TOPICS.filter((topic) => there.has(`${prefix}${topic}`));
    const layouts = await layoutsFound(admin, { prefix, topics: known });
    const counted = [...layouts].map(([name, { partitions: count }]) => ({ name, count }));
    const most = counted.length === 0 ? DEFAULT_PARTITIONS : Math.max(...counted.map(countOf));
    const { partitions = most } = layout;
    const named = (found: typeof counted): string[] => found.map(({ name }) => name);
    // Nothing grows unless it is asked for: a topic that somebody else made smaller may be meant so.
    const isAsked = layout.partitions !== undefined;
    const grown = named(counted.filter(({ count }) => isAsked && count < partitions));
    await makeMissing(admin, { prefix, partitions, replicas }, there);
    if (grown.length > 0) {
      const topicPartitions = grown.map((topic) => ({ topic, count: partitions }));
      await admin.createPartitions({ topicPartitions });
    }
    const made = TOPICS.map((topic) => `${prefix}${topic}`).filter((name) => !there.has(name));
    for (const name of [...made, ...grown]) await answering(admin, name, partitions);
    const larger = named(counted.filter(({ count }) => count > partitions));
    return { partitions, made, grown, larger };
  });
}

async function makeMissing(
  admin: Admin,
  { prefix, partitions, replicas }: Required<TopicLayout>,
  there: ReadonlySet<string>,
): Promise<void> {
  const missing = TOPICS.filter((topic) => !there.has(`${prefix}${topic}`));
  if (missing.length === 0) return;
  await admin.createTopics({
    waitForLeaders: false,
    topics: missing.map((topic) => ({
      topic: `${prefix}${topic}`,
      numPartitions: partitions,
      replicationFactor: replicas,
      configEntries: entriesOf(settingsOf(topic, replicas)),
    })),
  });
}

/** Its leaders are named some time before they serve: until then they would refuse what comes. */
async function answering(admin: Admin, name: string, partitions: number): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const there = await admin.fetchTopicOffsets(name);
      if (there.length >= partitions || tries === ANSWER_TRIES) return;
    } catch (error) {
      if (tries === ANSWER_TRIES) throw error;
    }
    await sleep(ANSWER_PAUSE_MS);
  }
}

function countOf({ count }: { readonly count: number }): number {
  return count;
}

/**
 * Refuses topics that cannot hold what the port promises, and says with which command each is mended.
 * @throws {BrokerError} BROKER_TOPIC_SETTINGS, BROKER_DENIED, BROKER_UNAVAILABLE
 */
export async function checkTopics(options: KafkaConnection & TopicNaming): Promise<void> {
  const { brokers, prefix, ssl } = options;
  const complaints = await withAdmin(options, async (admin) => {
    const cluster = await admin.describeCluster();
    const found = await foundTopics(admin, prefix);
    const faults = found.flatMap((topic) => faultOf(topic, cluster.brokers.length) ?? []);
    // A connection with a password or a certificate needs the properties of one who may change topics.
    const how = ssl === undefined ? '' : ' --command-config admin.properties';
    const server = `--bootstrap-server ${brokers[0] ?? ''}${how}`;
    return [
      ...faults.map((fault) => complaint(fault, { server, prefix, found, cluster })),
      ...smallerOf(found).map((topic) => smallComplaint(topic, { server, prefix, found, cluster })),
    ];
  });
  if (complaints.length > 0) throw new BrokerError('BROKER_TOPIC_SETTINGS', complaints.join('\n'));
}

async function foundTopics(admin: Admin, prefix: string): Promise<FoundTopic[]> {
  const there = new Set(await admin.listTopics());
  const known = TOPICS.filter((topic) => there.has(`${prefix}${topic}`));
  for (const topic of TOPICS) {
    if (!known.includes(topic)) await assertNotHidden(admin, `${prefix}${topic}`);
  }
  const settings = await settingsFound(admin, { prefix, topics: known });
  const layouts = await layoutsFound(admin, { prefix, topics: known });
  return TOPICS.map((topic) => {
    const found = settings.get(`${prefix}${topic}`);
    const { partitions, replicas } = layouts.get(`${prefix}${topic}`) ?? NO_LAYOUT;
    return {
      topic,
      partitions,
      replicas,
      ...(found !== undefined && { settings: found }),
    };
  });
}

/** Whoever may not see a topic is told of none, and must not be told to make it. */
async function assertNotHidden(admin: Admin, name: string): Promise<void> {
  try {
    await admin.fetchTopicMetadata({ topics: [name] });
  } catch (error) {
    if (!isProtocolError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
  }
}

interface KnownTopics extends TopicNaming {
  readonly topics: readonly Topic[];
}

async function settingsFound(
  admin: Admin,
  { prefix, topics }: KnownTopics,
): Promise<Map<string, Settings>> {
  if (topics.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({
      // Node finds only some of its names by themselves.
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: `${prefix}${topic}`,
      configNames: Object.keys(settingsOf(topic, 1)),
    })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map((entry) => [entry.configName, entry.configValue])),
    ]),
  );
}

type Layout = Pick<FoundTopic, 'partitions' | 'replicas'>;

const NO_LAYOUT: Layout = { partitions: 1, replicas: 1 };

async function layoutsFound(
  admin: Admin,
  { prefix, topics }: KnownTopics,
): Promise<Map<string, Layout>> {
  if (topics.length === 0) return new Map();
  const { topics: found } = await admin.fetchTopicMetadata({
    topics: topics.map((topic) => `${prefix}${topic}`),
  });
  return new Map(
    found.map(({ name, partitions }) => [
      name,
      {
        partitions: partitions.length,
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      },
    ]),
  );
}

/** A shard is one partition of each of these, so one that has fewer lacks a part of the last shards. */
function smallerOf(found: readonly FoundTopic[]): FoundTopic[] {
  const parts = found.filter(({ topic, settings }) => settings !== undefined && isOfShard(topic));
  const most = Math.max(...parts.map(({ partitions }) => partitions));
  return parts.filter(({ partitions }) => partitions < most);
}

function isOfShard(topic: Topic): boolean {
  return ['intake', 'log', 'content', 'quarantine'].includes(topic);
}

function smallComplaint(
  { topic, partitions: got }: FoundTopic,
  { server, prefix, found }: Complaining,
): string {
  const name = `${prefix}${topic}`;
  const most = Math.max(
    ...found.filter((other) => isOfShard(other.topic)).map(({ partitions }) => partitions),
  );
  const command = `kafka-topics.sh ${server} --alter --topic ${name} --partitions ${most}`;
  return `topic ${name}: expected ${most} partitions, got ${got}. ${command}`;
}

function complaint(
  { topic, expected, got, isMissing }: TopicFault,
  { server, prefix, found, cluster }: Complaining,
): string {
  const settings = Object.entries(expected).map(([name, value]) => `${name}=${value}`);
  const name = `${prefix}${topic}`;
  if (!isMissing) {
    const command = `kafka-configs.sh ${server} --alter --entity-type topics --entity-name ${name} --add-config ${settings.join(',')}`;
    return `topic ${name}: expected ${settings.join(' ')}, got ${got}. ${command}`;
  }
  // A shard is one partition of each topic, so all of them have as many.
  const partitions = Math.max(...found.map((other) => other.partitions));
  const replicas = Math.min(cluster.brokers.length, BROKERS_FOR_REPLICATION);
  const layout = `--partitions ${partitions} --replication-factor ${replicas}`;
  const configs = settings.map((setting) => `--config ${setting}`).join(' ');
  return `topic ${name}: expected ${settings.join(' ')}, got ${got}. kafka-topics.sh ${server} --create --topic ${name} ${layout} ${configs}`;
}

interface Complaining extends TopicNaming {
  /** The options of a command that say where the cluster is. */
  readonly server: string;
  readonly found: readonly FoundTopic[];
  readonly cluster: { readonly brokers: readonly unknown[] };
}

function entriesOf(settings: Settings): { name: string; value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

export async function withAdmin<T>(
  connection: KafkaConnection,
  question: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka(clientSettings(connection)).admin();
  try {
    await admin.connect();
    return await question(admin);
  } catch (error) {
    throw brokerError(error, 'none');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
