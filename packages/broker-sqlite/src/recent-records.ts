import {
  MAX_READ_BYTES,
  partitionKey,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';

/** What a record takes besides its value, roughly. */
const OVERHEAD_BYTES = 200;

interface Recent {
  readonly topic: Topic;
  /** Dense, and up to the end of the partition. */
  records: StoredRecord[];
  bytes: number;
  end: number;
}

/**
 * The newest records of each partition, as they were committed: nobody else writes to the file while it is open, so
 * what is here is what the file would answer.
 */
export class RecentRecords {
  readonly #partitions = new Map<string, Recent>();
  readonly #maxBytes: number;

  /** @param maxBytes of each partition */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Where the file ends when it is opened. */
  setEnd(tp: TopicPartition, end: number): void {
    this.#of(tp).end = end;
  }

  endOf(tp: TopicPartition): number {
    return this.#partitions.get(partitionKey(tp))?.end ?? 0;
  }

  /** What was committed, in the order of the commits. Keeps the values. */
  add(tp: TopicPartition, records: readonly StoredRecord[]): void {
    const recent = this.#of(tp);
    recent.records.push(...records);
    recent.bytes += costOf(records);
    recent.end += records.length;
    if (recent.bytes > this.#maxBytes) this.#trim(recent);
  }

  /** Undefined where the file must be asked. Answers as `Broker.read` does. */
  read(tp: TopicPartition, fromOffset: number, maxRecords: number): StoredRecord[] | undefined {
    const recent = this.#of(tp);
    if (fromOffset >= recent.end) return [];
    const start = fromOffset - (recent.end - recent.records.length);
    if (start < 0) return undefined;
    const limit = Math.min(recent.records.length, start + maxRecords);
    let bytes = 0;
    let stop = start;
    while (stop < limit) {
      bytes += recent.records[stop]?.value?.length ?? 0;
      if (stop > start && bytes > MAX_READ_BYTES) break;
      stop += 1;
    }
    return copiesOf(recent.records.slice(start, stop));
  }

  /** The file has erased them. */
  erase(topic: Topic, key: string): void {
    for (const recent of this.#partitions.values()) {
      if (recent.topic !== topic) continue;
      recent.records = recent.records.map((record) =>
        record.key === key ? withoutValue(record) : record,
      );
      recent.bytes = costOf(recent.records);
    }
  }

  /** Half goes at once, so that this is rare. */
  #trim(recent: Recent): void {
    const { records } = recent;
    let drop = 0;
    for (; drop < records.length && recent.bytes > this.#maxBytes / 2; drop += 1) {
      recent.bytes -= OVERHEAD_BYTES + (records[drop]?.value?.length ?? 0);
    }
    recent.records = records.slice(drop);
  }

  #of(tp: TopicPartition): Recent {
    const key = partitionKey(tp);
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const fresh = { topic: tp.topic, records: [], bytes: 0, end: 0 };
    this.#partitions.set(key, fresh);
    return fresh;
  }
}

function withoutValue({ offset, appendTimeMs, key }: StoredRecord): StoredRecord {
  return { offset, appendTimeMs, key, value: null };
}

/** With values of their own, in one buffer: callers do what they like with theirs. */
export function copiesOf<R extends { readonly value: Uint8Array | null }>(
  records: readonly R[],
): R[] {
  const bytes = new Uint8Array(bytesOf(records));
  let at = 0;
  return records.map((record) => {
    if (record.value === null) return record;
    const start = at;
    at += record.value.length;
    bytes.set(record.value, start);
    return { ...record, value: bytes.subarray(start, at) };
  });
}

function bytesOf(records: readonly { readonly value: Uint8Array | null }[]): number {
  return records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

function costOf(records: readonly StoredRecord[]): number {
  return bytesOf(records) + records.length * OVERHEAD_BYTES;
}
