import { BrokerError } from './broker-error.ts';
import type { RecordHeaders } from './record-headers.ts';

export type Topic =
  | 'action-requested'
  | 'decision-made'
  | 'use-claimed'
  | 'execution-reported'
  | 'finding-submitted'
  | 'intake'
  | 'log'
  | 'content'
  | 'quarantine';

/**
 * The topics that hold readable payloads. The log and findings hold digests only, and the log never forgets; quarantine holds
 * no payload at all.
 */
export const ERASABLE_TOPICS: readonly Topic[] = [
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
  'intake',
  'content',
];

export interface TopicPartition {
  readonly topic: Topic;
  readonly partition: number;
}

export interface NewRecord {
  /** What `erase` finds it by; it stays readable after an erasure, so it MUST be an id and never content. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers?: RecordHeaders;
}

export interface StoredRecord {
  readonly offset: number;
  /** Of the broker's clock, never the producer's. It never goes backwards for who appends to a partition, nor for who reads it forward. */
  readonly appendTimeMs: number;
  readonly key: string;
  /** null: erased. */
  readonly value: Uint8Array | null;
  /** Absent where there are none, and where the value was erased. */
  readonly headers?: RecordHeaders;
}

export interface Appended {
  readonly firstOffset: number;
  readonly appendTimeMs: number;
}

/**
 * Topics and the log. Every method rejects with a BrokerError and nothing else.
 *
 * Durability: a resolved append survives the death of the process and of the machine (it is fsynced, or acknowledged by all in-sync replicas).
 * Atomicity: one append is stored whole or not at all, also across a crash.
 * Order: total within a partition, none between partitions. Offsets start at 0 and are dense; the records of one append follow each other.
 * Only what the broker has erased or let go by the retention of a topic may be missing, and of the log nothing.
 * Concurrency: any number of appenders and readers. Calls that one client issues in order on one partition are stored in that order,
 * without waiting for each other; when an earlier one fails, a later one may still be stored.
 * Idempotence: none. After an `indefinite` error the append may have happened, or may still happen later: the caller MUST read
 * the tail before it appends again.
 */
export interface Broker {
  /**
   * Copies the values before it returns, so the caller may reuse its buffers.
   * All records of one append get the same time.
   * @throws {BrokerError} BROKER_LIMIT for no record, too many, too large, or with headers beyond their bounds; BROKER_INDEFINITE when the outcome is unknown
   */
  append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended>;

  /**
   * At least one record if any is at or beyond `fromOffset`, in order, and never an uncommitted one; at most `maxRecords` and
   * MAX_READ_BYTES, so a short answer does not mean the end. On every topic but the log a reader MUST take a missing offset like
   * a null value (a compacting broker drops what was erased, another what is old), so it goes on from the last offset it got, plus
   * one. Where nothing is left up to the end, the last offset is answered with a null value.
   */
  read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]>;

  /** The offset that the next record will get. 0 for a partition that nobody has written. */
  end(tp: TopicPartition): Promise<number>;

  /** Resolves with true as soon as `end > offset`, with false after `timeoutMs`. Rejects with BROKER_CLOSED when closed meanwhile. */
  waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean>;

  /**
   * Makes the value of every record with that key null, on all partitions of the topic, and removes its bytes and headers from the storage.
   * Offsets, times and keys stay. Resolves with the number of values it removed: 0 when it is repeated.
   *
   * A broker that keeps its partitions as they were written does it later, and only says here that it will. Of the content topic:
   * null values under the key follow, the values before them go with the next compaction, and until then they can still be read. Of
   * the other erasable topics: it answers 0, and everything goes by their retention, so only then is an erasure complete.
   * @throws {BrokerError} BROKER_NOT_ERASABLE for a topic outside ERASABLE_TOPICS
   */
  erase(topic: Topic, key: string): Promise<number>;

  /** Waits for what was issued, then refuses everything with BROKER_CLOSED. May be repeated. */
  close(): Promise<void>;
}

/** @throws {BrokerError} BROKER_NOT_ERASABLE */
export function assertErasable(topic: Topic): void {
  if (!ERASABLE_TOPICS.includes(topic)) {
    throw new BrokerError('BROKER_NOT_ERASABLE', `expected an erasable topic, got ${topic}`);
  }
}
