import { BrokerError } from '@countersign/broker';
import { checkTopics, createTopics, openKafkaBroker } from '@countersign/broker-kafka';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import {
  alterTopic,
  kafkaSubject,
  withAdmin,
  type KafkaSubject,
} from '../support/kafka/kafka-subject.ts';

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

/** The command of a refusal, as the arguments that the broker's own tool takes. */
function commandIn(text: string): { topic: string; settings: Record<string, string> } {
  const [, topic = '', list = ''] = /--entity-name (\S+) --add-config (\S+)$/.exec(text) ?? [];
  return {
    topic,
    settings: Object.fromEntries(list.split(',').map((one) => one.split('=') as [string, string])),
  };
}

describe('topics', () => {
  it('are accepted as they are made, and making them again leaves them as they are', async () => {
    expect(await refusal()).toBe('none');
    await alterTopic(subject.nameOf('intake'), { 'retention.ms': '172800000' });
    const { prefix } = subject;
    await createTopics({ brokers: inject('kafkaBrokers') }, { prefix, partitions: 9, replicas: 1 });
    expect(await refusal()).toBe('none');
    const [intake] = await withAdmin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [subject.nameOf('intake')] });
      return topics;
    });
    expect(intake?.partitions).toHaveLength(4);
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

  it('that are missing are refused, all of them at once, and no broker is opened', async () => {
    await withAdmin((admin) =>
      admin.deleteTopics({ topics: [subject.nameOf('log'), subject.nameOf('quarantine')] }),
    );
    await expect.poll(refusal, { timeout: 20_000 }).toMatch(/log:.*no such topic/);
    const refused = await refusal();
    for (const name of ['log', 'quarantine']) {
      expect(refused).toContain(`--create --topic ${subject.nameOf(name)} --config `);
    }
    expect(refused.split('\n')).toHaveLength(2);
    const { prefix } = subject;
    await expect(
      openKafkaBroker({ brokers: inject('kafkaBrokers'), prefix }),
    ).rejects.toMatchObject({ code: 'BROKER_TOPIC_SETTINGS', kind: 'fatal' });
  });
});
