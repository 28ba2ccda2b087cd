import type { StoredRecord } from '@countersign/broker';
import { keyInWireKey } from './content-key.ts';

/** Beyond it nothing is remembered, and each erasure reads the topic from its start. */
const KEYS_MAX = 100_000;

/** One partition of the content topic. */
export interface ContentPartition {
  readonly partition: number;
  read(fromOffset: number): Promise<readonly StoredRecord[]>;
}

/** What is to be removed from one partition: how many values there are under each key on the wire. */
export interface LiveContent {
  readonly partition: number;
  readonly values: ReadonlyMap<string, number>;
}

/** Which records of the content topic hold something under a key, as far as it was read. */
export class ContentIndex {
  readonly #keysMax: number;
  readonly #next = new Map<number, number>();
  /** By the key, then by the partition, then by the key on the wire. */
  readonly #live = new Map<string, Map<number, Map<string, number>>>();

  constructor(keysMax: number = KEYS_MAX) {
    this.#keysMax = keysMax;
  }

  /** Reads on to the end of the topic. */
  async find(key: string, partitions: readonly ContentPartition[]): Promise<LiveContent[]> {
    let isWhole = true;
    for (const from of partitions) {
      let next = this.#next.get(from.partition) ?? 0;
      for (;;) {
        const records = await from.read(next);
        const last = records.at(-1);
        if (last === undefined) break;
        for (const record of records) {
          if (isWhole || keyInWireKey(record.key) === key) this.#note(from.partition, record);
          if (isWhole && this.#live.size > this.#keysMax) isWhole = this.#keepOnly(key);
        }
        next = last.offset + 1;
      }
      this.#next.set(from.partition, next);
    }
    const found = [...(this.#live.get(key) ?? [])].map(([partition, values]) => ({
      partition,
      values,
    }));
    if (!isWhole) this.#forget();
    return found;
  }

  #note(partition: number, { key: wireKey, value }: StoredRecord): void {
    const key = keyInWireKey(wireKey);
    const places = this.#live.get(key) ?? new Map<number, Map<string, number>>();
    const values = places.get(partition) ?? new Map<string, number>();
    if (value === null) values.delete(wireKey);
    else values.set(wireKey, (values.get(wireKey) ?? 0) + 1);
    if (values.size > 0) places.set(partition, values);
    else places.delete(partition);
    if (places.size > 0) this.#live.set(key, places);
    else this.#live.delete(key);
  }

  #keepOnly(key: string): false {
    const kept = this.#live.get(key);
    this.#live.clear();
    if (kept !== undefined) this.#live.set(key, kept);
    return false;
  }

  #forget(): void {
    this.#live.clear();
    this.#next.clear();
  }
}
