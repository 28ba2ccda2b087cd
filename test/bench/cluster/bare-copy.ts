import { createHash } from 'node:crypto';
import type { Broker, TopicPartition } from '@countersign/broker';
import { createTopics } from '@countersign/broker-kafka';
import { CompressionTypes, Kafka, type Message, type Producer } from 'kafkajs';

const READ_RECORDS = 10_000;
const BATCH_RECORDS = 200;
/** A batch that a broker takes whatever its settings are. */
const BATCH_BYTES = 900_000;
const RECORD_OVERHEAD_BYTES = 24;
/** Shorter ones say more about the clock than about the copy. */
const LEAST_MS = 2_000;
const ROUNDS_MAX = 1_000;

/** Records of one partition of one topic. */
export interface Lane extends TopicPartition {
  readonly topic: 'log' | 'content' | 'intake';
  readonly messages: readonly WireMessage[];
}

export interface WireMessage {
  readonly key: string;
  readonly value: Buffer;
}

export interface CopyFigures {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** What the ledgers appended to a partition from `from` to `to`, as it is on the wire. */
export async function recordsBetween(
  broker: Broker,
  at: { readonly topic: Lane['topic']; readonly partition: number },
  span: { readonly from: number; readonly to: number },
): Promise<Lane> {
  const messages: WireMessage[] = [];
  for (let next = span.from; next < span.to;) {
    const records = await broker.read(at, next, READ_RECORDS);
    for (const { offset, key, value } of records) {
      next = offset + 1;
      if (value === null || offset >= span.to) continue;
      messages.push({ key: wireKey(at.topic, key, value), value: Buffer.from(value) });
    }
    if (records.length === 0) throw new Error(`expected ${at.topic} to reach ${span.to}`);
  }
  return { ...at, messages };
}

/** The broker of the ledger hides what it adds to the keys of content (schemas/formats/batch-and-wire.md §3). */
function wireKey(topic: Lane['topic'], key: string, value: Uint8Array): string {
  if (topic !== 'content') return key;
  return `${key}\0${createHash('sha256').update(value).digest('base64url')}`;
}

/**
 * Copies the records to topics of the same settings by kafkajs alone: idempotent, acknowledged by all replicas, 200 records a
 * batch, every partition at the same time. One copy to warm up, then as many as take two seconds.
 */
export async function bareCopy(
  kafkaAddress: string,
  { prefix, lanes }: { readonly prefix: string; readonly lanes: readonly Lane[] },
): Promise<CopyFigures> {
  const partitions = 1 + Math.max(...lanes.map(({ partition }) => partition));
  await createTopics({ brokers: [kafkaAddress] }, { prefix, partitions, replicas: 1 });
  const kafka = new Kafka({ brokers: [kafkaAddress], logCreator: () => () => undefined });
  const producer = kafka.producer({ idempotent: true });
  const work = lanes.map((lane) => ({ ...lane, batches: batchesOf(lane.messages) }));
  const copyOnce = (): Promise<unknown> =>
    Promise.all(
      work.map(async ({ topic, partition, batches }) => {
        for (const messages of batches) {
          await send(
            producer,
            `${prefix}${topic}`,
            messages.map((each) => ({ ...each, partition })),
          );
        }
      }),
    );
  await producer.connect();
  try {
    await copyOnce();
    const started = performance.now();
    let rounds = 0;
    do {
      await copyOnce();
      rounds += 1;
    } while (performance.now() - started < LEAST_MS && rounds < ROUNDS_MAX);
    const seconds = (performance.now() - started) / 1_000 / rounds;
    const all = lanes.flatMap(({ messages }) => messages);
    return { records: all.length, bytes: sum(all.map(sizeOf)), seconds };
  } finally {
    await producer.disconnect();
  }
}

async function send(producer: Producer, topic: string, messages: Message[]): Promise<void> {
  await producer.send({ topic, acks: -1, compression: CompressionTypes.None, messages });
}

function batchesOf(messages: readonly WireMessage[]): WireMessage[][] {
  const batches: WireMessage[][] = [];
  let batch: WireMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (batch.length === BATCH_RECORDS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  return batch.length === 0 ? batches : [...batches, batch];
}

export function sizeOf({ key, value }: WireMessage): number {
  return Buffer.byteLength(key) + value.length + RECORD_OVERHEAD_BYTES;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
