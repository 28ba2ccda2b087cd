import { openKafkaBroker } from '@countersign/broker-kafka';
import type { Broker } from '@countersign/broker';
import { Kafka, type Producer } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { CuttingProxy } from '../support/kafka/cutting-proxy.ts';
import { kafkaSubject, type KafkaSubject } from '../support/kafka/kafka-subject.ts';

const LOG = { topic: 'log', partition: 0 } as const;

let subject: KafkaSubject;
let proxy: CuttingProxy;
let reader: Broker;

beforeEach(async () => {
  subject = await kafkaSubject();
  proxy = await CuttingProxy.start(inject('kafkaBrokers')[0] ?? '');
  reader = await subject.open();
});

afterEach(async () => {
  await reader.close();
  await proxy.stop();
  await subject.dispose();
});

async function stored(): Promise<string[]> {
  const records = await reader.read(LOG, 0, 100);
  return records.map(({ value }) => Buffer.from(value ?? []).toString());
}

/** As its documentation sets it up, but for how soon it gives up. */
async function producerOfKafkajs(): Promise<Producer> {
  const kafka = new Kafka({
    brokers: [...inject('kafkaBrokers')],
    logCreator: () => () => undefined,
    retry: { retries: 1, initialRetryTime: 20 },
    connectionTimeout: 1_000,
    socketFactory: ({ onConnect }) => proxy.openSocket().once('connect', onConnect),
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  return producer;
}

describe('a batch that was stored and whose reply was lost', () => {
  it('makes the producer of kafkajs lose the next one, and answer it with a place in the log', async () => {
    const producer = await producerOfKafkajs();
    const send = async (...values: string[]): Promise<string | undefined> => {
      const messages = values.map((value) => ({ partition: 0, value }));
      const [sent] = await producer.send({ topic: subject.nameOf('log'), acks: -1, messages });
      return sent?.baseOffset;
    };
    expect(await send('first')).toBe('0');
    proxy.cutNextProduceAndGoAway();
    await expect(send('unknown')).rejects.toThrow('Closed connection');
    proxy.comeBack();
    // It gives the sequence number of the failed batch to this one: the broker takes it for the other, answers with the place
    // of that, and drops it.
    expect(await send('next')).toBe('1');
    expect(await stored()).toEqual(['first', 'unknown']);
    expect(await send('after it')).toBe('2');
    expect(await stored()).toEqual(['first', 'unknown', 'after it']);
    await producer.disconnect();
  });

  it('is unknown to our appender, which stores the next one', async () => {
    const broker = await openKafkaBroker({
      brokers: inject('kafkaBrokers'),
      prefix: subject.prefix,
      openSocket: proxy.openSocket,
    });
    const append = (text: string): Promise<number> =>
      broker
        .append(LOG, [{ key: 'k', value: Buffer.from(text) }])
        .then(({ firstOffset }) => firstOffset);
    expect(await append('first')).toBe(0);
    proxy.cutNextProduceAndGoAway();
    await expect(append('unknown')).rejects.toMatchObject({ code: 'BROKER_INDEFINITE' });
    proxy.comeBack();
    expect(await append('next')).toBe(2);
    expect(await append('after it')).toBe(3);
    expect(await stored()).toEqual(['first', 'unknown', 'next', 'after it']);
    await broker.close();
  });
});
