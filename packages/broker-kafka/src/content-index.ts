import type { StoredRecord } from '@countersign/broker';
import { keyInWireKey } from './content-key.ts';

/** Four bytes each. Of what lies beyond nothing is remembered, and each erasure reads it. */
const RECORDS_MAX = 25_000_000;
/** A key that is found in a block costs that much reading. */
const BLOCK_RECORDS = 1_000;

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

/** Given by tests, which have no millions of records. */
export interface ContentIndexBounds {
  readonly recordsMax?: number;
  readonly blockRecords?: number;
}

/** A stretch of a partition: whose records may be in it. */
interface Block {
  readonly from: number;
  readonly to: number;
  /** Of the keys of its records; undefined where that was too much to remember. */
  readonly prints: Uint32Array | undefined;
}

/**
 * Where in the content topic the records of a key may be, as far as the topic was read. It is read to its end once; then an
 * erasure reads what is new, and the blocks that may hold the key. Compaction takes records away, and moves none.
 */
export class ContentIndex {
  readonly #recordsMax: number;
  readonly #blockRecords: number;
  readonly #blocks = new Map<number, Block[]>();
  #records = 0;

  constructor(bounds: ContentIndexBounds = {}) {
    const { recordsMax = RECORDS_MAX, blockRecords = BLOCK_RECORDS } = bounds;
    this.#recordsMax = recordsMax;
    this.#blockRecords = blockRecords;
  }

  /** Reads on to the end of the topic. */
  async find(key: string, partitions: readonly ContentPartition[]): Promise<LiveContent[]> {
    const found: LiveContent[] = [];
    for (const from of partitions) {
      await this.#readOn(from);
      const values = new Map<string, number>();
      for (const block of this.#blocksOf(from)) {
        if (block.prints?.includes(printOf(key)) === false) continue;
        for (const record of await recordsIn(block, from)) note(values, key, record);
      }
      if (values.size > 0) found.push({ partition: from.partition, values });
    }
    return found;
  }

  #blocksOf({ partition }: ContentPartition): Block[] {
    const blocks = this.#blocks.get(partition) ?? [];
    this.#blocks.set(partition, blocks);
    return blocks;
  }

  async #readOn(from: ContentPartition): Promise<void> {
    const blocks = this.#blocksOf(from);
    for (;;) {
      const next = blocks.at(-1)?.to ?? 0;
      const records = await from.read(next);
      const last = records.at(-1);
      if (last === undefined) return;
      const prints = Uint32Array.from(records, (record) => printOf(keyInWireKey(record.key)));
      this.#records += prints.length;
      const isKept = this.#records <= this.#recordsMax;
      this.#add(blocks, { from: next, to: last.offset + 1, prints: isKept ? prints : undefined });
    }
  }

  /** A topic that grows by single records makes no block of each. */
  #add(blocks: Block[], block: Block): void {
    const before = blocks.at(-1);
    const prints = before && joined(before.prints, block.prints);
    const isTooLarge =
      prints === undefined || (prints !== 'unknown' && prints.length > this.#blockRecords);
    if (before === undefined || isTooLarge) blocks.push(block);
    else {
      const known = prints === 'unknown' ? undefined : prints;
      blocks.splice(-1, 1, { from: before.from, to: block.to, prints: known });
    }
  }
}

/** Undefined for two that are better apart. */
function joined(
  before: Uint32Array | undefined,
  after: Uint32Array | undefined,
): Uint32Array | 'unknown' | undefined {
  if (before === undefined && after === undefined) return 'unknown';
  return before && after && Uint32Array.of(...before, ...after);
}

async function recordsIn({ from, to }: Block, at: ContentPartition): Promise<StoredRecord[]> {
  const inBlock: StoredRecord[] = [];
  for (let next = from; next < to;) {
    const records = await at.read(next);
    const last = records.at(-1);
    if (last === undefined) break;
    inBlock.push(...records.filter(({ offset }) => offset < to));
    next = last.offset + 1;
  }
  return inBlock;
}

function note(values: Map<string, number>, key: string, record: StoredRecord): void {
  const { key: wireKey, value } = record;
  if (keyInWireKey(wireKey) !== key) return;
  if (value === null) values.delete(wireKey);
  else values.set(wireKey, (values.get(wireKey) ?? 0) + 1);
}

/** 32 bits of FNV-1a. Two keys with one print cost reading, and nothing else. */
function printOf(key: string): number {
  let print = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) {
    print = Math.imul(print ^ key.charCodeAt(at), 0x01000193);
  }
  return print >>> 0;
}
