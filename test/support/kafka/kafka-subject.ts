import { randomUUID } from 'node:crypto';
import type { Broker } from '@countersign/broker';
import { createTopics, openKafkaBroker, type KafkaConnection } from '@countersign/broker-kafka';
import type { BrokerSubject } from '@countersign/broker/testing';
import { ConfigResourceTypes, ConfigSource, Kafka, type Admin } from 'kafkajs';
import { inject, vi } from 'vitest';

const PARTITIONS = 4;

export interface KafkaSubject extends BrokerSubject {
  readonly prefix: string;
  open(more?: Partial<KafkaConnection>): Promise<Broker>;
  nameOf(topic: string): string;
}

/** Topics of its own on the broker of the tests. */
export async function kafkaSubject(): Promise<KafkaSubject> {
  const brokers = inject('kafkaBrokers');
  const prefix = `test-${randomUUID()}.`;
  await createTopics({ brokers }, { prefix, partitions: PARTITIONS, replicas: 1 });
  return {
    prefix,
    erasure: 'by compaction',
    nameOf: (topic) => `${prefix}${topic}`,
    open: (more = {}) => openKafkaBroker({ brokers, prefix, ...more }),
    dispose: () =>
      withAdmin(async (admin) => {
        const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
        await admin.deleteTopics({ topics });
      }),
  };
}

/** A client that is not ours. */
export function otherClient(brokers: readonly string[] = inject('kafkaBrokers')): Kafka {
  return new Kafka({
    brokers: [...brokers],
    logCreator: () => () => undefined,
  });
}

export async function withAdmin<T>(
  use: (admin: Admin) => Promise<T>,
  brokers: readonly string[] = inject('kafkaBrokers'),
): Promise<T> {
  const admin = otherClient(brokers).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Changes some settings of a topic, and waits until the broker tells of them: a moment after its answer it may still tell the old ones. */
export async function alterTopic(
  name: string,
  changed: Readonly<Record<string, string>>,
  brokers: readonly string[] = inject('kafkaBrokers'),
): Promise<void> {
  await withAdmin(async (admin) => {
    const settings = { ...(await ownSettings(admin, name)), ...changed };
    const configEntries = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
    });
    await vi.waitUntil(
      async () => {
        const told = await ownSettings(admin, name);
        return Object.entries(changed).every(([key, value]) => told[key] === value);
      },
      { timeout: 30_000 },
    );
  }, brokers);
}

/** What a topic has by itself, not by its broker; the protocol knows only how to set it as a whole. */
async function ownSettings(admin: Admin, name: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name }],
  });
  return Object.fromEntries(
    (resources[0]?.configEntries ?? [])
      .filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG)
      .map(({ configName, configValue }) => [configName, configValue]),
  );
}
