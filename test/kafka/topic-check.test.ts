import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerError } from '@countersign/broker';
import {
  checkTopics,
  createTopics,
  openKafkaBroker,
  type LaidTopics,
} from '@countersign/broker-kafka';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { kafkaTools } from '../support/kafka/kafka-jars.ts';
import {
  alterTopic,
  kafkaSubject,
  withAdmin,
  type KafkaSubject,
} from '../support/kafka/kafka-subject.ts';
import { printed } from '../support/kafka/outside-program.ts';

let subject: KafkaSubject;

beforeEach(async () => {
  subject = await kafkaSubject();
});

afterEach(async () => {
  await subject.dispose();
});

async function refusal(): Promise<string> {
  try {
    const { prefix } = subject;
    await checkTopics({ brokers: inject('kafkaBrokers'), prefix });
  } catch (error) {
    if (error instanceof BrokerError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

/** What the operator does with a refusal: runs each command of it, as it is, until the broker tells of what it was told. */
async function mended(refused: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kafka-tools-'));
  try {
    const path = `PATH=${await kafkaTools(folder)}:${process.env['PATH'] ?? ''}`;
    for (const line of refused.split('\n')) {
      const command = /\. (kafka-.*)$/.exec(line)?.[1] ?? '';
      await printed('env', [path, 'sh', '-c', command]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  await expect.poll(refusal, { timeout: 30_000 }).toBe('none');
}

/** All that can be wrong on one broker. */
const ANYWHERE = {
  'message.timestamp.type': 'CreateTime',
  'compression.type': 'gzip',
  'max.message.bytes': '1048588',
  'unclean.leader.election.enable': 'true',
};
const OF_INPUTS = {
  ...ANYWHERE,
  'cleanup.policy': 'compact',
  'retention.ms': '-1',
  'segment.ms': '604800000',
};
const WRONG: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'action-requested': OF_INPUTS,
  'decision-made': OF_INPUTS,
  'use-claimed': OF_INPUTS,
  'execution-reported': OF_INPUTS,
  'finding-submitted': { ...ANYWHERE, 'cleanup.policy': 'compact' },
  intake: OF_INPUTS,
  log: {
    ...ANYWHERE,
    'cleanup.policy': 'compact',
    'retention.ms': '604800000',
    'retention.bytes': '1000000',
  },
  content: {
    ...ANYWHERE,
    'cleanup.policy': 'delete',
    'max.compaction.lag.ms': '9223372036854775807',
  },
  quarantine: { ...ANYWHERE, 'cleanup.policy': 'compact' },
};

/** The command of a refusal, as the arguments that the broker's own tool takes. */
function commandIn(text: string): { topic: string; settings: Record<string, string> } {
  const [, topic = '', list = ''] = /--entity-name (\S+) --add-config (\S+)$/.exec(text) ?? [];
  return {
    topic,
    settings: Object.fromEntries(list.split(',').map((one) => one.split('=') as [string, string])),
  };
}

async function made(partitions?: number): Promise<LaidTopics> {
  const { prefix } = subject;
  const layout = { prefix, replicas: 1, ...(partitions !== undefined && { partitions }) };
  return createTopics({ brokers: inject('kafkaBrokers') }, layout);
}

async function partitionsOf(topic: string): Promise<number> {
  return withAdmin(async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [subject.nameOf(topic)] });
    return topics[0]?.partitions.length ?? 0;
  });
}

describe('topics', () => {
  it('are accepted as they are made, and making them again leaves them as they are', async () => {
    expect(await refusal()).toBe('none');
    await alterTopic(subject.nameOf('intake'), { 'retention.ms': '172800000' });
    expect(await made()).toEqual({ partitions: 4, made: [], grown: [], larger: [] });
    expect(await refusal()).toBe('none');
    expect(await partitionsOf('intake')).toBe(4);
  });

  it('grow when they are asked to, and never shrink', async () => {
    const { made: none, grown } = await made(6);
    expect([none, grown.length]).toEqual([[], 9]);
    expect(await partitionsOf('log')).toBe(6);
    expect(await made(5)).toMatchObject({ grown: [], larger: grown });
    expect(await partitionsOf('log')).toBe(6);
    expect(await refusal()).toBe('none');
  });

  it('of which one has not grown with the others are refused, with the command that mends it', async () => {
    await withAdmin((admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: subject.nameOf('log'), count: 5 }] }),
    );
    await vi.waitUntil(async () => (await partitionsOf('log')) === 5);
    const refused = await refusal();
    for (const topic of ['intake', 'content', 'quarantine']) {
      const name = subject.nameOf(topic);
      expect(refused).toContain(`topic ${name}: expected 5 partitions, got 4. kafka-topics.sh`);
      expect(refused).toContain(`--alter --topic ${name} --partitions 5`);
    }
    await mended(refused);
    expect(await partitionsOf('quarantine')).toBe(5);
  });

  it.each([
    ['log', { 'retention.ms': '604800000' }],
    ['log', { 'cleanup.policy': 'compact' }],
    ['log', { 'unclean.leader.election.enable': 'true' }],
    ['intake', { 'message.timestamp.type': 'CreateTime', 'retention.ms': '-1' }],
    ['action-requested', { 'compression.type': 'producer' }],
    ['content', { 'cleanup.policy': 'delete' }],
  ])('%s with %j are refused, with the command that mends them', async (name, set) => {
    await alterTopic(subject.nameOf(name), set);
    const refused = await refusal();
    expect(refused).toMatch(/^BROKER_TOPIC_SETTINGS: topic /);
    for (const [key, value] of Object.entries(set)) expect(refused).toContain(`${key}=${value}`);
    const { topic, settings } = commandIn(refused);
    expect(topic).toBe(subject.nameOf(name));
    expect(Object.keys(settings).sort()).toEqual(Object.keys(set).sort());
    await alterTopic(topic, settings);
    expect(await refusal()).toBe('none');
  });

  it('with everything wrong are mended by the very commands that the refusal tells', async () => {
    for (const [name, settings] of Object.entries(WRONG)) {
      await alterTopic(subject.nameOf(name), settings);
    }
    const refused = await refusal();
    const lines = refused.replace('BROKER_TOPIC_SETTINGS: ', '').split('\n');
    expect(lines.map((line) => Object.keys(commandIn(line).settings).sort())).toEqual(
      Object.values(WRONG).map((settings) => Object.keys(settings).sort()),
    );
    for (const [at, settings] of Object.values(WRONG).entries()) {
      const got = / got (.*)\. kafka-configs/
        .exec(lines[at] ?? '')?.[1]
        ?.split(' ')
        .sort();
      expect(got).toEqual(
        Object.entries(settings)
          .map(([key, value]) => `${key}=${value}`)
          .sort(),
      );
    }
    await mended(refused);
  }, 180_000);

  it('that are missing are made by the very command, with as many partitions as the others', async () => {
    await withAdmin((admin) => admin.deleteTopics({ topics: [subject.nameOf('content')] }));
    await expect.poll(refusal, { timeout: 20_000 }).toMatch(/content:.*no such topic/);
    await mended(await refusal());
    const [made] = await withAdmin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [subject.nameOf('content')] });
      return topics;
    });
    expect(made?.partitions).toHaveLength(4);
  }, 60_000);

  it('that are missing are refused, all of them at once, and no broker is opened', async () => {
    await withAdmin((admin) =>
      admin.deleteTopics({ topics: [subject.nameOf('log'), subject.nameOf('quarantine')] }),
    );
    await expect
      .poll(refusal, { timeout: 20_000 })
      .toMatch(/log:.*no such topic[^]*quarantine:.*no such topic/);
    const refused = await refusal();
    for (const name of ['log', 'quarantine']) {
      expect(refused).toContain(
        `--create --topic ${subject.nameOf(name)} --partitions 4 --replication-factor 1 --config `,
      );
    }
    expect(refused.split('\n')).toHaveLength(2);
    const { prefix } = subject;
    await expect(
      openKafkaBroker({ brokers: inject('kafkaBrokers'), prefix }),
    ).rejects.toMatchObject({ code: 'BROKER_TOPIC_SETTINGS', kind: 'fatal' });
  });
});
