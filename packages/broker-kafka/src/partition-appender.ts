import {
  appendCostBytes,
  BrokerError,
  MAX_APPEND_BYTES,
  MAX_RECORDS_PER_APPEND,
  type Appended,
  type RecordHeaders,
} from '@countersign/broker';
import type { KafkaNode } from 'kafkajs/src/cluster/index.js';
import type { AppendClock } from './append-clock.ts';
import type { PartitionName } from './fetch-request.ts';
import { brokerError } from './kafka-failure.ts';
import type { KafkaLink } from './kafka-link.ts';

const QUEUE_BYTES_MAX = 32_000_000;
const QUEUE_APPENDS_MAX = 20_000;
/** How long the leader waits for the other replicas. */
const REPLICATION_TIMEOUT_MS = 10_000;
const ALL_IN_SYNC = -1;
/** Kafka wants a number here, and uses it in transactions only. */
const TRANSACTION_TIMEOUT_MS = 60_000;
const SEQUENCE_MAX = 2 ** 31 - 1;

/** A null value erases its key on a compacted topic. */
export interface KafkaRecord {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers?: RecordHeaders;
}

export interface AppenderOptions {
  readonly link: KafkaLink;
  readonly name: PartitionName;
  readonly clock: AppendClock;
  /** The partition is known to end there at least. */
  readonly knownEnd: () => number;
  readonly onEnd: (end: number) => void;
}

interface Append {
  readonly records: readonly KafkaRecord[];
  readonly bytes: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: BrokerError) => void;
}

/** One producer as the broker knows it: it takes each sequence number once. */
interface Producer {
  readonly id: string;
  readonly epoch: number;
  sequence: number;
}

/**
 * Appends to one partition, in the order in which it is asked to: one batch at a time, made of whole appends. What is asked for
 * while a batch is under way goes into the next one together.
 *
 * Crash story: a batch is stored whole or not at all, and answered once all replicas in sync have it. Stopping in between, or losing the
 * answer, leaves it open which: the appends of that batch fail as BROKER_INDEFINITE, connection and producer are thrown away, and
 * nothing of it is ever sent again.
 */
export class PartitionAppender {
  readonly #options: AppenderOptions;
  #queue: Append[] = [];
  #queuedBytes = 0;
  #producer: Producer | undefined;
  #isSending = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Keeps the records: they must be the caller's no more. */
  append(records: readonly KafkaRecord[]): Promise<Appended> {
    const bytes = records.reduce((sum, record) => sum + costOf(record), 0);
    if (this.#queue.length >= QUEUE_APPENDS_MAX || this.#queuedBytes + bytes > QUEUE_BYTES_MAX) {
      const full = new BrokerError('BROKER_UNAVAILABLE', 'too many appends wait for Kafka');
      return Promise.reject(full);
    }
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, resolve, reject });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    // Whatever else is asked for in this turn goes along.
    await Promise.resolve();
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) {
      await this.#send(group);
    }
    this.#isSending = false;
  }

  #nextGroup(): Append[] {
    let [count, bytes, records] = [0, 0, 0];
    for (const append of this.#queue) {
      bytes += append.bytes;
      records += append.records.length;
      const isTooMuch = bytes > MAX_APPEND_BYTES || records > MAX_RECORDS_PER_APPEND;
      if (count > 0 && isTooMuch) break;
      count += 1;
    }
    const group = this.#queue.splice(0, count);
    for (const append of group) this.#queuedBytes -= append.bytes;
    return group;
  }

  async #send(group: readonly Append[]): Promise<void> {
    try {
      const appended = await this.#store(group.flatMap(({ records }) => records));
      let { firstOffset } = appended;
      for (const { records, resolve } of group) {
        resolve({ ...appended, firstOffset });
        firstOffset += records.length;
      }
    } catch (error) {
      const failed = brokerError(error, 'unknown');
      this.#producer = undefined;
      // A refusal is an answer: what the connection is good for, it has shown.
      if (failed.kind === 'indefinite') this.#options.link.drop();
      // Nothing of it happened, and what was refused together may be taken alone.
      if (failed.code === 'BROKER_LIMIT' && group.length > 1) {
        for (const append of group) await this.#send([append]);
      } else {
        for (const { reject } of group) reject(failed);
      }
    }
  }

  async #store(records: readonly KafkaRecord[]): Promise<Appended> {
    const { name, clock, knownEnd, onEnd } = this.#options;
    const { node, producer } = await this.#ready(records.length);
    const endBefore = knownEnd();
    const { topics } = await node.produce({
      topicData: [{ topic: name.topic, partitions: [this.#batch(producer, records)] }],
      producerId: producer.id,
      producerEpoch: producer.epoch,
      acks: ALL_IN_SYNC,
      timeout: REPLICATION_TIMEOUT_MS,
    });
    producer.sequence += records.length;
    const { baseOffset, logAppendTime } = topics[0]?.partitions[0] ?? {};
    const firstOffset = Number(baseOffset);
    const timeMs = Number(logAppendTime);
    if (!Number.isSafeInteger(firstOffset) || firstOffset < 0 || firstOffset < endBefore) {
      throw new BrokerError(
        'BROKER_CORRUPT',
        `${name.topic}: expected to append at ${endBefore} or beyond, got ${firstOffset}: acknowledged records are lost`,
      );
    }
    if (!(timeMs >= 0)) {
      throw new BrokerError(
        'BROKER_TOPIC_SETTINGS',
        `${name.topic}: expected message.timestamp.type=LogAppendTime`,
      );
    }
    const appendTimeMs = Math.max(timeMs, clock.floorAt(firstOffset));
    clock.note(firstOffset + records.length, appendTimeMs);
    onEnd(firstOffset + records.length);
    return { firstOffset, appendTimeMs };
  }

  /** Connection and producer. Until here nothing was sent, so what fails has no effect. */
  async #ready(count: number): Promise<{ readonly node: KafkaNode; readonly producer: Producer }> {
    const { link, name } = this.#options;
    try {
      const node = await link.leaderOf(name.topic, name.partition);
      if (this.#producer !== undefined && this.#producer.sequence + count > SEQUENCE_MAX) {
        this.#producer = undefined;
      }
      this.#producer ??= await newProducer(node);
      return { node, producer: this.#producer };
    } catch (error) {
      link.drop();
      throw brokerError(error, 'none');
    }
  }

  #batch(
    { sequence }: Producer,
    records: readonly KafkaRecord[],
  ): {
    partition: number;
    firstSequence: number;
    messages: { key: Buffer; value: Buffer | null; headers?: Record<string, string> }[];
  } {
    return {
      partition: this.#options.name.partition,
      firstSequence: sequence,
      messages: records.map(({ key, value, headers }) => ({
        key: Buffer.from(key, 'utf8'),
        value: value && Buffer.from(value.buffer, value.byteOffset, value.length),
        ...(headers !== undefined && { headers: { ...headers } }),
      })),
    };
  }
}

async function newProducer(node: KafkaNode): Promise<Producer> {
  const { producerId, producerEpoch } = await node.initProducerId({
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
  });
  return { id: producerId, epoch: producerEpoch, sequence: 0 };
}

function costOf(record: KafkaRecord): number {
  return appendCostBytes({ ...record, value: record.value ?? new Uint8Array() });
}
