import {
  assertErasable,
  partitionKey,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';
import type { SimulatedTime } from './simulated-time.ts';

export type DiskWatcher = (tp: TopicPartition, stored: readonly StoredRecord[]) => void;

/** What is durable. It outlives every process, and only grows or is erased. */
export class SimulatedDisk {
  readonly #partitions = new Map<string, StoredRecord[]>();
  readonly #time: SimulatedTime;
  readonly #watchers: DiskWatcher[] = [];

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  /** Called with all that becomes durable, at that moment. */
  watch(watcher: DiskWatcher): void {
    this.#watchers.push(watcher);
  }

  recordsOf(topic: Topic, partition = 0): readonly StoredRecord[] {
    return this.#partitions.get(partitionKey({ topic, partition })) ?? [];
  }

  append(
    tp: TopicPartition,
    records: readonly NewRecord[],
  ): { firstOffset: number; appendTimeMs: number } {
    const key = partitionKey(tp);
    const held = this.#partitions.get(key) ?? [];
    this.#partitions.set(key, held);
    const firstOffset = held.length;
    const appendTimeMs = Math.max(held.at(-1)?.appendTimeMs ?? 0, this.#time.brokerNowMs);
    for (const record of records) {
      const kept = { ...record, value: new Uint8Array(record.value) };
      held.push({ offset: held.length, appendTimeMs, ...kept });
    }
    for (const watcher of this.#watchers) watcher(tp, held.slice(firstOffset));
    return { firstOffset, appendTimeMs };
  }

  erase(topic: Topic, key: string): number {
    assertErasable(topic);
    let erased = 0;
    for (const [name, records] of this.#partitions) {
      if (!name.startsWith(`${topic}/`)) continue;
      for (const record of records) {
        if (record.key !== key || record.value === null) continue;
        const { offset, appendTimeMs } = record;
        records[offset] = { offset, appendTimeMs, key, value: null };
        erased += 1;
      }
    }
    return erased;
  }
}
