import {
  assertAppendable,
  assertErasable,
  assertReadable,
  BrokerError,
  MAX_READ_RECORDS,
  ownHeaders,
  partitionKey,
  type Appended,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';
import { AppendClock } from './append-clock.ts';
import { ContentIndex, type LiveContent } from './content-index.ts';
import { contentWireKey, keyInWireKey } from './content-key.ts';
import { brokerError } from './kafka-failure.ts';
import { KafkaLink, type KafkaConnection } from './kafka-link.ts';
import { PartitionAppender, type KafkaRecord } from './partition-appender.ts';
import { PartitionReader } from './partition-reader.ts';
import { checkTopics, type TopicNaming } from './topic-check.ts';

export type KafkaBrokerOptions = KafkaConnection & TopicNaming;

/**
 * Topics and log on Apache Kafka: `<prefix><topic>` each, appended to with all replicas in sync, read partition by partition from
 * any offset. It needs no transaction and no consumer group.
 *
 * It erases from the content topic only, by tombstones: the bytes are gone, and a reader no longer meets them, once Kafka
 * has compacted the topic. Public topics and intake forget by their retention.
 * @throws {BrokerError} BROKER_TOPIC_SETTINGS, BROKER_DENIED, BROKER_UNAVAILABLE
 * @example
 * const broker = await openKafkaBroker({ brokers: ['kafka-1:9092'], prefix: 'countersign.' });
 */
export async function openKafkaBroker(options: KafkaBrokerOptions): Promise<Broker> {
  await checkTopics(options);
  return new KafkaBroker(options);
}

interface Partition {
  readonly links: { readonly now: KafkaLink; readonly tail: KafkaLink };
  readonly appender: PartitionAppender;
  readonly reader: PartitionReader;
}

class KafkaBroker implements Broker {
  readonly #options: KafkaBrokerOptions;
  readonly #partitions = new Map<string, Partition>();
  readonly #topics: KafkaLink;
  readonly #content = new ContentIndex();
  readonly #issued = new Set<Promise<unknown>>();
  #erasing: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.#topics = new KafkaLink(options);
  }

  async append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    this.#assertOpen();
    assertAppendable(records);
    return this.#track(this.#of(tp).appender.append(wireRecords(tp.topic, records)));
  }

  async read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    this.#assertOpen();
    assertReadable(fromOffset, maxRecords);
    const records = await this.#track(this.#of(tp).reader.read(fromOffset, maxRecords));
    return tp.topic === 'content'
      ? records.map((record) => ({ ...record, key: keyInWireKey(record.key) }))
      : records;
  }

  async end(tp: TopicPartition): Promise<number> {
    this.#assertOpen();
    return this.#track(this.#of(tp).reader.end());
  }

  async waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    this.#assertOpen();
    return this.#of(tp).reader.waitBeyond(offset, timeoutMs);
  }

  async erase(topic: Topic, key: string): Promise<number> {
    this.#assertOpen();
    assertErasable(topic);
    if (topic !== 'content') return 0;
    // One after the other: each begins with what the one before has left.
    const erasing = this.#erasing.then(() => this.#eraseContent(key));
    this.#erasing = erasing.catch(() => undefined);
    return this.#track(erasing);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const partitions = [...this.#partitions.values()];
    await Promise.all(partitions.map(({ reader }) => reader.close(closedError())));
    await Promise.allSettled(this.#issued);
    for (const { links } of partitions) links.now.drop();
    this.#topics.drop();
  }

  /**
   * Crash story: a tombstone is an append like another. Stopping among them leaves some of the content; erasing again finds it.
   * The tombstone is there before its answer counts, so an unknown outcome leaves nothing but the same question.
   */
  async #eraseContent(key: string): Promise<number> {
    const partitions = await this.#contentPartitions();
    let erased = 0;
    for (const found of await this.#content.find(key, partitions)) {
      erased += await this.#bury(found);
    }
    return erased;
  }

  async #bury({ partition, values }: LiveContent): Promise<number> {
    const tombstones = [...values.keys()].map((wireKey) => ({ key: wireKey, value: null }));
    const erased = [...values.values()].reduce((sum, count) => sum + count, 0);
    await this.#of({ topic: 'content', partition }).appender.append(tombstones);
    return erased;
  }

  async #contentPartitions(): Promise<
    { partition: number; read: (from: number) => Promise<StoredRecord[]> }[]
  > {
    let partitions: readonly number[];
    try {
      partitions = await this.#topics.partitionsOf(`${this.#options.prefix}content`);
    } catch (error) {
      this.#topics.drop();
      throw brokerError(error, 'none');
    }
    return partitions.map((partition) => {
      const { reader } = this.#of({ topic: 'content', partition });
      return { partition, read: (from: number) => reader.read(from, MAX_READ_RECORDS) };
    });
  }

  #of(tp: TopicPartition): Partition {
    const key = partitionKey(tp);
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const name = { topic: `${this.#options.prefix}${tp.topic}`, partition: tp.partition };
    const links = { now: new KafkaLink(this.#options), tail: new KafkaLink(this.#options) };
    const clock = new AppendClock();
    const reader = new PartitionReader({ tp, name, clock, links });
    const appender = new PartitionAppender({
      link: links.now,
      name,
      clock,
      knownEnd: () => reader.knownEnd,
      onEnd: (end) => {
        reader.noteEnd(end);
      },
    });
    const fresh = { links, appender, reader };
    this.#partitions.set(key, fresh);
    return fresh;
  }

  async #track<T>(operation: Promise<T>): Promise<T> {
    this.#issued.add(operation);
    try {
      return await operation;
    } finally {
      this.#issued.delete(operation);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closedError();
  }
}

/** With values of their own: callers may reuse theirs. */
function wireRecords(topic: Topic, records: readonly NewRecord[]): KafkaRecord[] {
  return records.map((record) => {
    const { key } = record;
    const value = new Uint8Array(record.value);
    const wireKey = topic === 'content' ? contentWireKey(key, value) : key;
    return { key: wireKey, value, ...ownHeaders(record) };
  });
}

function closedError(): BrokerError {
  return new BrokerError('BROKER_CLOSED', 'expected an open broker, got a closed one');
}
