import {
  BrokerError,
  EndWaiters,
  MAX_READ_BYTES,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import type { AppendClock } from './append-clock.ts';
import { endOf, fetchFrom, startOf, type PartitionName } from './fetch-request.ts';
import { brokerError } from './kafka-failure.ts';
import type { KafkaLink } from './kafka-link.ts';
import { decodeRecordSet, type DecodedRecord, type RecordSet } from './record-batch.ts';

/** One wait at the node; only closing has to wait for its end. */
const POLL_MS = 500;

export interface ReaderOptions {
  readonly tp: TopicPartition;
  readonly name: PartitionName;
  readonly clock: AppendClock;
  /** For what is answered at once, and, apart from it, for what waits at the node: a node answers a connection in order. */
  readonly links: { readonly now: KafkaLink; readonly tail: KafkaLink };
}

/** Records that were fetched and that nobody has taken yet. */
interface Ahead {
  readonly from: number;
  readonly set: RecordSet;
}

/** Reads one partition from any offset, and follows its end while somebody waits for it. */
export class PartitionReader {
  readonly #options: ReaderOptions;
  readonly #waiters = new EndWaiters();
  #waiting = 0;
  #following: Promise<void> | undefined;
  #ahead: Ahead | undefined;
  #knownEnd = 0;
  #isClosed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** The partition ends there or beyond: ends never go back, unless what was acknowledged is lost. */
  get knownEnd(): number {
    return this.#knownEnd;
  }

  noteEnd(end: number): void {
    if (end <= this.#knownEnd) return;
    this.#knownEnd = end;
    this.#waiters.notify(this.#options.tp, end);
  }

  async end(): Promise<number> {
    const { name, links } = this.#options;
    const end = await this.#ask(links.now, async (link) =>
      endOf(await link.leaderOf(name.topic, name.partition), name),
    );
    this.noteEnd(end);
    return Math.max(end, this.#knownEnd);
  }

  async read(fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    const ahead = this.#ahead;
    if (ahead !== undefined && ahead.from === fromOffset && ahead.set.records.length > 0) {
      return this.#take(ahead, maxRecords);
    }
    let from = fromOffset;
    for (;;) {
      const set = await this.#fetch(from);
      if (set !== undefined && set.records.length > 0) {
        return this.#take({ from: fromOffset, set }, maxRecords);
      }
      // Of a batch that lost all its records to compaction there is its range of offsets left.
      if (set === undefined || set.nextOffset <= from) break;
      from = set.nextOffset;
    }
    return from === fromOffset ? [] : [this.#nothingBefore(from)];
  }

  /** Stands for offsets of which nothing is left, so that who reads on gets beyond them. */
  #nothingBefore(next: number): StoredRecord {
    const appendTimeMs = this.#options.clock.floorAt(next);
    return { offset: next - 1, appendTimeMs, key: '', value: null };
  }

  async waitBeyond(offset: number, timeoutMs: number): Promise<boolean> {
    if (this.#knownEnd > offset) return true;
    this.#waiting += 1;
    try {
      const reached = this.#waiters.wait(this.#options.tp, offset, timeoutMs);
      this.#following ??= this.#follow();
      return await reached;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Refuses who waits, now. */
  async close(closed: BrokerError): Promise<void> {
    this.#isClosed = true;
    this.#waiters.rejectAll(closed);
    this.#options.links.tail.drop();
    await this.#following;
    // A connection that was being opened meanwhile.
    this.#options.links.tail.drop();
  }

  /** What lies there, from the first offset that there is. Undefined at and beyond the end. */
  async #fetch(fromOffset: number): Promise<RecordSet | undefined> {
    const { name, links } = this.#options;
    return this.#ask(links.now, async (link) => {
      const node = await link.leaderOf(name.topic, name.partition);
      const fetch = { ...name, maxBytes: MAX_READ_BYTES, waitMs: 0 };
      let from = fromOffset;
      let fetched = await fetchFrom(node, { ...fetch, offset: from });
      if (fetched.records === undefined) {
        // Beyond the end, or before what the retention of the topic has left.
        from = Math.max(from, await startOf(node, name));
        if (from === fromOffset) {
          this.#assertNotLost(fromOffset, await endOf(node, name));
          return undefined;
        }
        fetched = await fetchFrom(node, { ...fetch, offset: from });
      }
      if (fetched.records === undefined) return undefined;
      this.noteEnd(fetched.end);
      const set = decodeRecordSet(fetched.records, from);
      if (set.nextOffset === fromOffset) this.#assertNotLost(fromOffset, fetched.end);
      return set;
    });
  }

  /** A new leader may not know yet how far its followers are. Whoever asks again is told, or learns from an append that it is worse. */
  #assertNotLost(fromOffset: number, end: number): void {
    if (fromOffset >= this.#knownEnd || end >= this.#knownEnd) return;
    throw new BrokerError(
      'BROKER_UNAVAILABLE',
      `${this.#options.name.topic}: expected to end at ${this.#knownEnd} or beyond, got ${end}`,
    );
  }

  #take({ from, set }: Ahead, maxRecords: number): StoredRecord[] {
    const { clock } = this.#options;
    const taken: StoredRecord[] = [];
    let bytes = 0;
    let floor = clock.floorAt(from);
    for (const { timeMs, ...record } of set.records) {
      const { value } = record;
      bytes += value?.length ?? 0;
      if (taken.length === maxRecords || (taken.length > 0 && bytes > MAX_READ_BYTES)) break;
      floor = Math.max(floor, timeMs);
      taken.push({ ...record, appendTimeMs: floor });
    }
    const next = (taken.at(-1)?.offset ?? from) + 1;
    clock.note(next, floor);
    const rest: readonly DecodedRecord[] = set.records.slice(taken.length);
    this.#ahead = rest.length === 0 ? undefined : { from: next, set: { ...set, records: rest } };
    return taken;
  }

  async #follow(): Promise<void> {
    try {
      while (this.#waiting > 0 && !this.#isClosed) await this.#poll();
    } catch (error) {
      this.#waiters.rejectAll(brokerError(error, 'none'));
    } finally {
      // Now and not a turn later, when somebody may wait again already.
      this.#following = undefined;
    }
  }

  /** One wait at the end of the partition; what arrives there is kept for who reads on from it. */
  async #poll(): Promise<void> {
    const { name, links } = this.#options;
    await this.#ask(links.tail, async (link) => {
      const node = await link.leaderOf(name.topic, name.partition);
      if (this.#knownEnd === 0) this.noteEnd(await endOf(node, name));
      const from = this.#knownEnd;
      const fetch = { ...name, offset: from, maxBytes: MAX_READ_BYTES, waitMs: POLL_MS };
      const { records, end } = await fetchFrom(node, fetch);
      if (records === undefined) {
        const now = await endOf(node, name);
        this.#assertNotLost(0, now);
        this.noteEnd(now);
        return;
      }
      const set = decodeRecordSet(records, from);
      if (set.records.length > 0) this.#ahead = { from, set };
      this.noteEnd(end);
    });
  }

  async #ask<T>(link: KafkaLink, question: (link: KafkaLink) => Promise<T>): Promise<T> {
    try {
      return await question(link);
    } catch (error) {
      link.drop();
      throw brokerError(error, 'none');
    }
  }
}
