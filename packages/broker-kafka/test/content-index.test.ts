import type { StoredRecord } from '@countersign/broker';
import { describe, expect, it } from 'vitest';
import { ContentIndex, type ContentPartition } from '../src/content-index.ts';
import { contentWireKey } from '../src/content-key.ts';

class Partition implements ContentPartition {
  readonly partition: number;
  readonly records: StoredRecord[] = [];
  reads = 0;

  constructor(partition: number) {
    this.partition = partition;
  }

  put(key: string, text: string): void {
    const value = Buffer.from(text);
    this.#add(contentWireKey(key, value), value);
  }

  bury(key: string, text: string): void {
    this.#add(contentWireKey(key, Buffer.from(text)), null);
  }

  read(fromOffset: number): Promise<readonly StoredRecord[]> {
    this.reads += 1;
    const from = this.records.findIndex(({ offset }) => offset >= fromOffset);
    return Promise.resolve(from < 0 ? [] : this.records.slice(from, from + 3));
  }

  #add(key: string, value: Uint8Array | null): void {
    this.records.push({ offset: this.records.length, appendTimeMs: 0, key, value });
  }
}

async function counted(
  index: ContentIndex,
  key: string,
  partitions: readonly ContentPartition[],
): Promise<[number, number[]][]> {
  const found = await index.find(key, partitions);
  return found.map(({ partition, values }) => [partition, [...values.values()]]);
}

describe.each([
  ['that remembers all', 1_000, 1_000],
  ['in small blocks', 1_000, 4],
  ['that remembers some', 10, 4],
  ['that remembers nothing', 0, 4],
])('ContentIndex %s', (_name, recordsMax, blockRecords) => {
  it('finds what is there, and only that, as the topic grows', async () => {
    const index = new ContentIndex({ recordsMax, blockRecords });
    const [p0, p1] = [new Partition(0), new Partition(1)];
    for (let at = 0; at < 20; at += 1) p0.put(`other ${at}`, 'text');
    for (const text of ['action', 'reason', 'reason']) p0.put('wanted', text);
    p1.put('wanted', 'elsewhere');
    expect(await counted(index, 'wanted', [p0, p1])).toEqual([
      [0, [1, 2]],
      [1, [1]],
    ]);
    p0.bury('wanted', 'reason');
    p1.bury('wanted', 'elsewhere');
    p0.put('wanted', 'late');
    expect(await counted(index, 'wanted', [p0, p1])).toEqual([[0, [1, 1]]]);
    expect(await counted(index, 'other 7', [p0, p1])).toEqual([[0, [1]]]);
    expect(await counted(index, 'never there', [p0, p1])).toEqual([]);
  });
});

describe('ContentIndex', () => {
  function filled(): Partition {
    const partition = new Partition(0);
    for (let at = 0; at < 300; at += 1) partition.put(`key ${at}`, 'text');
    return partition;
  }

  it('reads the topic once, then what is new and where the key may be', async () => {
    const index = new ContentIndex({ blockRecords: 3 });
    const partition = filled();
    await index.find('key 3', [partition]);
    const { reads } = partition;
    expect(reads).toBeGreaterThan(100);
    expect(await counted(index, 'key 299', [partition])).toEqual([[0, [1]]]);
    // Whether there is more, and one block.
    expect(partition.reads).toBe(reads + 2);
    expect(await counted(index, 'never there', [partition])).toEqual([]);
    expect(partition.reads).toBe(reads + 3);
  });

  it('reads what lies beyond what it can remember each time', async () => {
    const index = new ContentIndex({ recordsMax: 150, blockRecords: 3 });
    const partition = filled();
    await index.find('key 3', [partition]);
    const { reads } = partition;
    expect(await counted(index, 'key 299', [partition])).toEqual([[0, [1]]]);
    expect(partition.reads).toBe(reads + 1 + 50);
  });

  it('finds what compaction has left', async () => {
    const index = new ContentIndex({ blockRecords: 6 });
    const partition = filled();
    await index.find('key 3', [partition]);
    partition.records.splice(10, 200);
    expect(await counted(index, 'key 100', [partition])).toEqual([]);
    expect(await counted(index, 'key 299', [partition])).toEqual([[0, [1]]]);
  });
});
