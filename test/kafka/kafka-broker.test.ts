import {
  BrokerError,
  type Broker,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import { openKafkaBroker } from '@countersign/broker-kafka';
import { CompressionTypes } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { CuttingProxy, type Cut } from '../support/kafka/cutting-proxy.ts';
import {
  alterTopic,
  kafkaSubject,
  otherClient,
  withAdmin,
  type KafkaSubject,
} from '../support/kafka/kafka-subject.ts';

const LOG: TopicPartition = { topic: 'log', partition: 0 };
const INTAKE: TopicPartition = { topic: 'intake', partition: 0 };
const CONTENT: TopicPartition = { topic: 'content', partition: 0 };
const REQUESTS: TopicPartition = { topic: 'action-requested', partition: 0 };

let subject: KafkaSubject;
let opened: Broker[] = [];
let proxy: CuttingProxy | undefined;

beforeEach(async () => {
  subject = await kafkaSubject();
});

afterEach(async () => {
  for (const broker of opened) await broker.close();
  opened = [];
  await proxy?.stop();
  proxy = undefined;
  await subject.dispose();
});

async function open(more: Parameters<KafkaSubject['open']>[0] = {}): Promise<Broker> {
  const broker = await subject.open(more);
  opened.push(broker);
  return broker;
}

async function openThroughProxy(): Promise<{ broker: Broker; proxy: CuttingProxy }> {
  proxy = await CuttingProxy.start(inject('kafkaBrokers')[0] ?? '');
  return { broker: await open({ openSocket: proxy.openSocket }), proxy };
}

function record(text: string, key = 'k'): { key: string; value: Uint8Array } {
  return { key, value: Buffer.from(text) };
}

async function codeAndKind(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof BrokerError) return `${error.code} ${error.kind}`;
    throw error;
  }
  return 'resolved';
}

async function everything(broker: Broker, tp: TopicPartition): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (;;) {
    const records = await broker.read(tp, (found.at(-1)?.offset ?? -1) + 1, 1_000);
    if (records.length === 0) return found;
    found.push(...records);
  }
}

async function texts(broker: Broker, tp: TopicPartition): Promise<(string | null)[]> {
  const records = await everything(broker, tp);
  return records.map(({ value }) => value && Buffer.from(value).toString());
}

describe('an append that is refused', () => {
  it('because its partition is not there can be tried again', async () => {
    const broker = await open();
    const nowhere = { topic: 'log', partition: 99 } as const;
    expect(await codeAndKind(broker.append(nowhere, [record('a')]))).toBe(
      'BROKER_UNAVAILABLE retryable',
    );
    expect(await codeAndKind(broker.read(nowhere, 0, 1))).toBe('BROKER_UNAVAILABLE retryable');
    await broker.append(LOG, [record('a')]);
  });

  it('because it is too large leaves what was sent along with it', async () => {
    const broker = await open();
    await alterTopic(subject.nameOf('log'), { 'max.message.bytes': '2000' });
    await expect
      .poll(() => codeAndKind(broker.append(LOG, [record('x'.repeat(5_000))])), { timeout: 20_000 })
      .toBe('BROKER_LIMIT fatal');
    const before = await broker.end(LOG);
    const outcomes = await Promise.all(
      ['small', 'x'.repeat(5_000), 'small too'].map((text) =>
        codeAndKind(broker.append(LOG, [record(text)])),
      ),
    );
    expect(outcomes).toEqual(['resolved', 'BROKER_LIMIT fatal', 'resolved']);
    expect((await texts(broker, LOG)).slice(before)).toEqual(['small', 'small too']);
  });
});

describe('appends that wait', () => {
  it('are bounded: what is beyond is refused, and the others are stored in order', async () => {
    const broker = await open();
    const large = 'x'.repeat(900_000);
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        codeAndKind(broker.append(LOG, [record(`${i} ${large}`.slice(0, 900_000))])),
      ),
    );
    const taken = outcomes.flatMap((outcome, i) => (outcome === 'resolved' ? [i] : []));
    expect(taken.length).toBeGreaterThan(30);
    expect(new Set(outcomes)).toEqual(new Set(['resolved', 'BROKER_UNAVAILABLE retryable']));
    const stored = (await texts(broker, LOG)).map((text) => Number(text?.split(' ')[0]));
    expect(stored).toEqual(taken);
  });
});

describe('a connection that is cut', () => {
  const ROUNDS = 10;

  it('leaves an append unknown, stored once or not at all, and the next one whole', async () => {
    const { broker, proxy } = await openThroughProxy();
    await broker.append(LOG, [record('first')]);
    const expected = ['first'];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const cut of ['before', 'half', 'after'] as const satisfies readonly Cut[]) {
        proxy.cutNextProduce(cut);
        const text = `${round} ${cut}`;
        expect(await codeAndKind(broker.append(LOG, [record(text), record(text)]))).toBe(
          'BROKER_INDEFINITE indefinite',
        );
        if (cut === 'after') expected.push(text, text);
        // Other bytes, from the same client: a broker that took them for a repetition would acknowledge and drop them.
        const { firstOffset } = await broker.append(LOG, [record(`${text}, then`)]);
        expect(firstOffset).toBe(expected.length);
        expected.push(`${text}, then`);
      }
    }
    expect(await texts(broker, LOG)).toEqual(expected);
  });

  it('fails what was sent in one batch alike, and sends on what waited behind it', async () => {
    const { broker, proxy } = await openThroughProxy();
    await broker.append(LOG, [record('first')]);
    proxy.cutNextProduce('before');
    const cut = ['a', 'b'].map((text) => codeAndKind(broker.append(LOG, [record(text)])));
    await Promise.resolve();
    await Promise.resolve();
    const behind = broker.append(LOG, [record('behind')]);
    expect(await Promise.all(cut)).toEqual([
      'BROKER_INDEFINITE indefinite',
      'BROKER_INDEFINITE indefinite',
    ]);
    expect((await behind).firstOffset).toBe(1);
    expect(await texts(broker, LOG)).toEqual(['first', 'behind']);
  });

  it('is told to all who ask while the broker is away, and forgotten once it is back', async () => {
    const { broker, proxy } = await openThroughProxy();
    await broker.append(LOG, [record('first')]);
    const waiting = codeAndKind(broker.waitBeyond(LOG, 5, 60_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.goAway();
    const away = 'BROKER_UNAVAILABLE retryable';
    expect(await waiting).toBe(away);
    expect(await codeAndKind(broker.read(LOG, 0, 1))).toBe(away);
    expect(await codeAndKind(broker.end(LOG))).toBe(away);
    expect(await codeAndKind(broker.erase('content', 'k'))).toBe(away);
    expect(await codeAndKind(broker.append(LOG, [record('lost')]))).toBe(away);
    proxy.comeBack();
    expect((await broker.append(LOG, [record('second')])).firstOffset).toBe(1);
    expect(await texts(broker, LOG)).toEqual(['first', 'second']);
  });
});

describe('two clients on one partition', () => {
  it('append each in its own order, and every append whole', async () => {
    const clients = [await open(), await open()];
    const places = await Promise.all(
      clients.map((broker, client) =>
        Promise.all(
          Array.from({ length: 200 }, async (_, i) => {
            const id = `${client}.${i}`;
            const { firstOffset } = await broker.append(LOG, [
              record(`${id}.a`),
              record(`${id}.b`),
            ]);
            return { id, firstOffset };
          }),
        ),
      ),
    );
    const [first] = clients;
    if (first === undefined) throw new Error('expected two clients');
    const found = await texts(first, LOG);
    expect(found).toHaveLength(800);
    for (const own of places) {
      const offsets = own.map(({ firstOffset }) => firstOffset);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      for (const { id, firstOffset } of own) {
        expect(found.slice(firstOffset, firstOffset + 2)).toEqual([`${id}.a`, `${id}.b`]);
      }
    }
  });

  it('wake each other', async () => {
    const [one, two] = [await open(), await open()];
    for (let at = 0; at < 5; at += 1) {
      const waiting = one.waitBeyond(INTAKE, at, 30_000);
      await two.append(INTAKE, [record(`${at}`)]);
      expect(await waiting).toBe(true);
      const [found] = await one.read(INTAKE, at, 10);
      expect(Buffer.from(found?.value ?? []).toString()).toBe(`${at}`);
    }
  });
});

describe('what others write to a topic', () => {
  it('is read whatever client wrote it: compressed, without key, with headers', async () => {
    const broker = await open();
    const producer = otherClient().producer();
    await producer.connect();
    await producer.send({
      topic: subject.nameOf('action-requested'),
      compression: CompressionTypes.GZIP,
      messages: [
        { partition: 0, key: null, value: 'one', headers: { a: 'b' }, timestamp: '17' },
        { partition: 0, key: 'two', value: null },
      ],
    });
    await producer.disconnect();
    const records = await broker.read(REQUESTS, 0, 10);
    expect(records.map(({ key, value }) => [key, value && Buffer.from(value).toString()])).toEqual([
      ['', 'one'],
      ['two', null],
    ]);
    expect(Math.abs((records[0]?.appendTimeMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('in a transaction leaves no gap in the offsets, and an open one delays nobody', async () => {
    const broker = await open();
    const topic = subject.nameOf('log');
    const producer = otherClient().producer({
      transactionalId: subject.prefix,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const committed = await producer.transaction();
    await committed.send({ topic, messages: [{ partition: 0, value: 'committed' }] });
    await committed.commit();
    const left = await producer.transaction();
    await left.send({ topic, messages: [{ partition: 0, value: 'left open' }] });
    const { firstOffset } = await broker.append(LOG, [record('ours')]);
    const records = await broker.read(LOG, 0, 10);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
    expect(await texts(broker, LOG)).toEqual(['committed', '', 'left open', 'ours']);
    expect(firstOffset).toBe(3);
    await left.abort();
    await producer.disconnect();
  });
});

describe('what a topic has let go', () => {
  it('is passed over: some of it, or everything up to the end', async () => {
    const broker = await open();
    for (const text of ['a', 'b', 'c', 'd', 'e']) await broker.append(INTAKE, [record(text)]);
    const letGo = (offset: string): Promise<void> =>
      withAdmin(async (admin) => {
        const topic = subject.nameOf('intake');
        // The client needs to have asked for the topic once.
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
      });
    await letGo('3');
    expect((await broker.read(INTAKE, 0, 10)).map(({ offset }) => offset)).toEqual([3, 4]);
    await letGo('5');
    expect(await broker.read(INTAKE, 0, 10)).toMatchObject([{ offset: 4, value: null }]);
    expect(await broker.read(INTAKE, 5, 10)).toEqual([]);
    await broker.append(INTAKE, [record('f')]);
    expect((await broker.read(INTAKE, 0, 10)).map(({ offset }) => offset)).toEqual([5]);
  });

  it('of what it had acknowledged stops who appends', async () => {
    const broker = await open();
    for (const text of ['a', 'b', 'c']) await broker.append(LOG, [record(text)]);
    const topic = subject.nameOf('log');
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await expect
      .poll(() => codeAndKind(broker.read(LOG, 0, 10)), { timeout: 20_000 })
      .toBe('BROKER_UNAVAILABLE retryable');
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 4 }] }));
    await expect
      .poll(() => codeAndKind(broker.read(LOG, 2, 10)), { timeout: 20_000 })
      .toBe('BROKER_UNAVAILABLE retryable');
    await expect
      .poll(() => codeAndKind(broker.append(LOG, [record('d')])), { timeout: 20_000 })
      .toBe('BROKER_CORRUPT fatal');
  });
});

describe('content that is erased', () => {
  it('is gone once the topic is compacted, and nothing else is', async () => {
    const broker = await open();
    const action = 'tenant/action';
    await broker.append(CONTENT, [record('the action', action), record('kept', 'tenant/other')]);
    await broker.append(CONTENT, [record('the reason', action)]);
    await broker.append(CONTENT, [record('the reason', action)]);
    expect(await broker.erase('content', action)).toBe(3);
    expect(await broker.erase('content', action)).toBe(0);
    await compacted(broker);
    const records = await everything(broker, CONTENT);
    const values = new Map(records.map(({ offset, key, value }) => [offset, { key, value }]));
    expect(values.get(1)?.key).toBe('tenant/other');
    expect([0, 2, 3].map((offset) => values.has(offset))).toEqual([false, false, false]);
    expect(records.every(({ key, value }) => key !== action || value === null)).toBe(true);
    const again = await open();
    expect(await again.erase('content', action)).toBe(0);
  });

  it('does not take along what else there is about the same action', async () => {
    const broker = await open();
    const action = 'tenant/action';
    for (const text of ['the action', 'one reason', 'another']) {
      await broker.append(CONTENT, [record(text, action)]);
    }
    await compacted(broker);
    expect((await texts(broker, CONTENT)).slice(0, 3)).toEqual([
      'the action',
      'one reason',
      'another',
    ]);
  });

  /** Only what is not in the newest segment is compacted, and only when there is enough of it. */
  async function compacted(broker: Broker): Promise<void> {
    await alterTopic(subject.nameOf('content'), {
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.001',
      'max.compaction.lag.ms': '100',
    });
    // A value written again and again under one key: once fewer of it are left, the cleaner has been there.
    let written = 0;
    await expect
      .poll(
        async () => {
          await broker.append(CONTENT, [record('filler', 'tenant/filler')]);
          written += 1;
          const records = await everything(broker, CONTENT);
          return records.filter(({ key }) => key === 'tenant/filler').length < written;
        },
        { timeout: 50_000, interval: 250 },
      )
      .toBe(true);
  }
});

describe('an open broker', () => {
  it('is not had where there is none', async () => {
    const nowhere = openKafkaBroker({ brokers: ['127.0.0.1:1'], prefix: 'x.' });
    expect(await codeAndKind(nowhere)).toBe('BROKER_UNAVAILABLE retryable');
  });
});
