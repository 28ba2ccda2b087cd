import {
  assertErasable,
  type Appended,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from './broker.ts';
import { BrokerError } from './broker-error.ts';
import { EndWaiters, partitionKey } from './end-waiters.ts';
import { ownHeaders } from './record-headers.ts';
import { assertAppendable, assertReadable, MAX_READ_BYTES } from './record-limits.ts';

/** What outlives a MemoryBroker, as a disk outlives a process: several brokers, one after the other or at once, may share it. */
export class MemoryDisk {
  readonly #partitions = new Map<string, { tp: TopicPartition; records: StoredRecord[] }>();
  readonly #watchers = new Set<(tp: TopicPartition, end: number) => void>();

  recordsOf(tp: TopicPartition): StoredRecord[] {
    const key = partitionKey(tp);
    const held = this.#partitions.get(key) ?? { tp, records: [] };
    this.#partitions.set(key, held);
    return held.records;
  }

  /** Calls `watcher` after each append of any broker on this disk; returns how to stop it. */
  watch(watcher: (tp: TopicPartition, end: number) => void): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  grew(tp: TopicPartition): void {
    for (const watcher of this.#watchers) watcher(tp, this.recordsOf(tp).length);
  }

  ofTopic(topic: Topic): StoredRecord[][] {
    return [...this.#partitions.values()].filter((p) => p.tp.topic === topic).map((p) => p.records);
  }
}

export interface MemoryBrokerOptions {
  readonly clock: () => number;
  readonly disk?: MemoryDisk;
}

/** The port in memory: every promise of the contract except that nothing outlives the process. */
export class MemoryBroker implements Broker {
  readonly #clock: () => number;
  readonly #disk: MemoryDisk;
  readonly #waiters = new EndWaiters();
  readonly #unwatch: () => void;
  #closed = false;

  constructor(options: MemoryBrokerOptions) {
    this.#clock = options.clock;
    this.#disk = options.disk ?? new MemoryDisk();
    this.#unwatch = this.#disk.watch((tp, end) => {
      this.#waiters.notify(tp, end);
    });
  }

  append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    return this.#settle(() => {
      assertAppendable(records);
      const stored = this.#disk.recordsOf(tp);
      const firstOffset = stored.length;
      const appendTimeMs = Math.max(stored.at(-1)?.appendTimeMs ?? 0, this.#clock());
      for (const record of records) {
        const { key, value } = record;
        const kept = { key, value: copyOf(value), ...ownHeaders(record) };
        stored.push({ offset: stored.length, appendTimeMs, ...kept });
      }
      this.#disk.grew(tp);
      return { firstOffset, appendTimeMs };
    });
  }

  read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    return this.#settle(() => {
      assertReadable(fromOffset, maxRecords);
      const found: StoredRecord[] = [];
      let bytes = 0;
      for (const record of this.#disk.recordsOf(tp).slice(fromOffset, fromOffset + maxRecords)) {
        bytes += record.value?.length ?? 0;
        if (found.length > 0 && bytes > MAX_READ_BYTES) break;
        found.push({ ...record, value: record.value && copyOf(record.value) });
      }
      return found;
    });
  }

  end(tp: TopicPartition): Promise<number> {
    return this.#settle(() => this.#disk.recordsOf(tp).length);
  }

  waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    return this.#settle(() => {
      if (this.#disk.recordsOf(tp).length > offset) return true;
      return this.#waiters.wait(tp, offset, timeoutMs);
    });
  }

  erase(topic: Topic, key: string): Promise<number> {
    return this.#settle(() => {
      assertErasable(topic);
      let erased = 0;
      for (const records of this.#disk.ofTopic(topic)) {
        for (const record of records) {
          const { offset, appendTimeMs } = record;
          if (record.key !== key || record.value === null) continue;
          record.value.fill(0);
          records[offset] = { offset, appendTimeMs, key, value: null };
          erased += 1;
        }
      }
      return erased;
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#unwatch();
    this.#waiters.rejectAll(closed());
    return Promise.resolve();
  }

  /** Runs the whole step now, so that calls take effect in the order in which they were issued. */
  async #settle<T>(step: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw closed();
    return step();
  }
}

/** Not `slice`, which shares the memory when the caller gave a Buffer. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function closed(): BrokerError {
  return new BrokerError('BROKER_CLOSED', 'expected an open broker, got a closed one');
}
