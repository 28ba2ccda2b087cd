import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker, StoredRecord, TopicPartition } from '../broker.ts';
import { BrokerError, type BrokerErrorCode } from '../broker-error.ts';
import { MAX_HEADER_BYTES, MAX_HEADERS, type RecordHeaders } from '../record-headers.ts';
import {
  MAX_APPEND_BYTES,
  MAX_READ_BYTES,
  MAX_READ_RECORDS,
  MAX_RECORD_BYTES,
  MAX_RECORDS_PER_APPEND,
} from '../record-limits.ts';

/** One storage, empty at first, and how to open a broker on it. */
export interface BrokerSubject {
  /** Opens the same storage again each time; the one before is closed by then. */
  open(): Promise<Broker>;
  dispose(): Promise<void>;
  /** Only where the broker's clock can be set. */
  setClock?(nowMs: number): void;
  /** How erased values leave the content topic: at once by default. */
  readonly erasure?: 'at once' | 'by compaction';
}

const LOG: TopicPartition = { topic: 'log', partition: 0 };
const CONTENT: TopicPartition = { topic: 'content', partition: 0 };

/** The contract of the port. Call it from the tests of every adapter. */
export function brokerContract(name: string, create: () => Promise<BrokerSubject>): void {
  describe(`broker contract: ${name}`, () => {
    let subject: BrokerSubject;
    let broker: Broker;

    beforeEach(async () => {
      subject = await create();
      broker = await subject.open();
    });

    afterEach(async () => {
      await broker.close();
      await subject.dispose();
    });

    const context = (): { subject: BrokerSubject; broker: Broker } => ({ subject, broker });
    const reopen = async (): Promise<Broker> => {
      await broker.close();
      broker = await subject.open();
      return broker;
    };
    describeOrder(context);
    describeDurability(context, reopen);
    describeWaiting(context);
    describeErasure(context, reopen);
    describeLimits(context);
    describeHeaders(context, reopen);
  });
}

type Context = () => { subject: BrokerSubject; broker: Broker };

function describeOrder(context: Context): void {
  it('starts empty, at offset 0', async () => {
    const { broker } = context();
    expect(await broker.end(LOG)).toBe(0);
    expect(await broker.read(LOG, 0, 10)).toEqual([]);
    expect(await append(broker, LOG, ['a', 'b'])).toBe(0);
    expect(await append(broker, LOG, ['c'])).toBe(2);
    expect(await broker.end(LOG)).toBe(3);
  });

  it('gives back what was appended, in order, from any offset', async () => {
    const { broker } = context();
    await append(broker, LOG, ['a', 'b']);
    await append(broker, LOG, ['c', 'd', 'e']);
    expect(texts(await broker.read(LOG, 0, 10))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(texts(await broker.read(LOG, 1, 2))).toEqual(['b', 'c']);
    const tail = await broker.read(LOG, 3, 10);
    expect(tail.map((r) => [r.offset, r.key])).toEqual([
      [3, 'key-d'],
      [4, 'key-e'],
    ]);
    expect(await broker.read(LOG, 5, 10)).toEqual([]);
    expect(await broker.read(LOG, 99, 10)).toEqual([]);
  });

  it('keeps partitions and topics apart', async () => {
    const { broker } = context();
    await append(broker, LOG, ['log 0']);
    await append(broker, { topic: 'log', partition: 1 }, ['log 1']);
    await append(broker, CONTENT, ['content 0']);
    expect(texts(await broker.read(LOG, 0, 10))).toEqual(['log 0']);
    expect(texts(await broker.read({ topic: 'log', partition: 1 }, 0, 10))).toEqual(['log 1']);
    expect(texts(await broker.read(CONTENT, 0, 10))).toEqual(['content 0']);
  });

  it('stores calls in the order in which one client issued them', async () => {
    const { broker } = context();
    const issued = Array.from({ length: 300 }, (_, i) => append(broker, LOG, [`${i}`]));
    expect(await Promise.all(issued)).toEqual(issued.map((_, i) => i));
    const read = await broker.read(LOG, 0, 1000);
    expect(texts(read)).toEqual(issued.map((_, i) => `${i}`));
  });

  it('keeps the records of one append together among many appenders', async () => {
    const { broker } = context();
    const appends = Array.from({ length: 50 }, (_, i) =>
      append(broker, LOG, [`${i}.0`, `${i}.1`, `${i}.2`]),
    );
    const firstOffsets = await Promise.all(appends);
    const stored = texts(await broker.read(LOG, 0, 1000));
    expect(stored).toHaveLength(150);
    for (const [i, first] of firstOffsets.entries()) {
      expect(stored.slice(first, first + 3)).toEqual([`${i}.0`, `${i}.1`, `${i}.2`]);
    }
  });

  it('neither keeps nor hands out a buffer that the caller may change', async () => {
    const { broker } = context();
    const value = Buffer.from('before');
    const appended = broker.append(LOG, [{ key: 'k', value }]);
    value.fill('x');
    await appended;
    const [first] = await broker.read(LOG, 0, 1);
    first?.value?.fill(0);
    expect(texts(await broker.read(LOG, 0, 1))).toEqual(['before']);
  });

  it('keeps every byte, the empty value and the empty key', async () => {
    const { broker } = context();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await broker.append(LOG, [
      { key: '', value: bytes },
      { key: 'ключ 🔑', value: new Uint8Array() },
    ]);
    const [first, second] = await broker.read(LOG, 0, 10);
    expect([...(first?.value ?? [])]).toEqual([...bytes]);
    expect(first?.key).toBe('');
    expect(second?.value).toHaveLength(0);
    expect(second?.key).toBe('ключ 🔑');
  });

  it('never lets the append time go backwards within a partition', async () => {
    const { subject, broker } = context();
    for (const nowMs of [5_000, 7_000, 6_000, 1, 8_000]) {
      subject.setClock?.(nowMs);
      await append(broker, LOG, ['x', 'y']);
    }
    const times = (await broker.read(LOG, 0, 100)).map((r) => r.appendTimeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    if (subject.setClock) {
      expect(times).toEqual([5, 5, 7, 7, 7, 7, 7, 7, 8, 8].map((s) => s * 1000));
    }
  });

  it('answers an append with the time that it stored', async () => {
    const { subject, broker } = context();
    subject.setClock?.(1_234);
    const answer = await broker.append(LOG, [{ key: 'k', value: Buffer.from('v') }]);
    const [stored] = await broker.read(LOG, 0, 1);
    expect(stored?.appendTimeMs).toBe(answer.appendTimeMs);
  });
}

function describeDurability(context: Context, reopen: () => Promise<Broker>): void {
  it('keeps what was acknowledged, and goes on from there', async () => {
    const { subject, broker } = context();
    subject.setClock?.(9_000);
    await append(broker, LOG, ['a', 'b']);
    const again = await reopen();
    subject.setClock?.(1_000);
    expect(await again.end(LOG)).toBe(2);
    expect(await append(again, LOG, ['c'])).toBe(2);
    const records = await again.read(LOG, 0, 10);
    expect(texts(records)).toEqual(['a', 'b', 'c']);
    expect(records[2]?.appendTimeMs).toBeGreaterThanOrEqual(records[1]?.appendTimeMs ?? NaN);
  });

  it('stores what was issued before it was closed', async () => {
    const { broker } = context();
    const issued = ['a', 'b', 'c'].map((text) => append(broker, LOG, [text]));
    const again = await reopen();
    await Promise.all(issued);
    expect(texts(await again.read(LOG, 0, 10))).toEqual(['a', 'b', 'c']);
  });

  it('refuses everything once closed, and may be closed again', async () => {
    const { broker } = context();
    const waiting = code(broker.waitBeyond(LOG, 0, 60_000));
    await broker.close();
    await broker.close();
    expect(await waiting).toBe('BROKER_CLOSED');
    expect(await code(append(broker, LOG, ['a']))).toBe('BROKER_CLOSED');
    expect(await code(broker.read(LOG, 0, 1))).toBe('BROKER_CLOSED');
    expect(await code(broker.end(LOG))).toBe('BROKER_CLOSED');
    expect(await code(broker.waitBeyond(LOG, 0, 1))).toBe('BROKER_CLOSED');
    expect(await code(broker.erase('content', 'k'))).toBe('BROKER_CLOSED');
  });
}

function describeWaiting(context: Context): void {
  it('answers at once when the end is already beyond', async () => {
    const { broker } = context();
    await append(broker, LOG, ['a']);
    expect(await broker.waitBeyond(LOG, 0, 60_000)).toBe(true);
  });

  it('answers as soon as the end is beyond, and not before', async () => {
    const { broker } = context();
    let reached = false;
    const waiting = broker.waitBeyond(LOG, 1, 60_000).then((beyond) => (reached = beyond));
    await append(broker, LOG, ['a']);
    await append(broker, { topic: 'log', partition: 1 }, ['x', 'y', 'z']);
    expect(reached).toBe(false);
    await append(broker, LOG, ['b']);
    expect(await waiting).toBe(true);
  });

  it('answers false after its time', async () => {
    const { broker } = context();
    await append(broker, LOG, ['a']);
    expect(await broker.waitBeyond(LOG, 1, 5)).toBe(false);
  });
}

function describeErasure(context: Context, reopen: () => Promise<Broker>): void {
  it('erases every value of a key on all partitions of a topic, and nothing else', async () => {
    const { subject, broker } = context();
    const left = leftBy(subject);
    const other: TopicPartition = { topic: 'content', partition: 3 };
    const put = (tp: TopicPartition, key: string): Promise<unknown> =>
      broker.append(tp, [{ key, value: Buffer.from(`of ${key}`) }]);
    for (const key of ['gone', 'kept', 'gone']) await put(CONTENT, key);
    await put(other, 'gone');
    await put({ topic: 'intake', partition: 0 }, 'gone');

    expect(await broker.erase('content', 'gone')).toBe(3);
    expect(await broker.erase('content', 'gone')).toBe(0);
    expect(await broker.erase('content', 'never there')).toBe(0);
    const again = await reopen();
    expect(left(await again.read(CONTENT, 0, 10))).toEqual(['of kept']);
    expect(left(await again.read(other, 0, 10))).toEqual([]);
    expect(live(await again.read({ topic: 'intake', partition: 0 }, 0, 10))).toEqual(['of gone']);
    const kept = (await again.read(CONTENT, 0, 10)).find((r) => r.key === 'kept');
    expect(kept?.offset).toBe(1);
  });

  it('appends after an erasure at its place or beyond it', async () => {
    const { subject, broker } = context();
    await broker.append(CONTENT, [{ key: 'gone', value: Buffer.from('v') }]);
    const before = await broker.end(CONTENT);
    await broker.erase('content', 'gone');
    expect(await append(broker, CONTENT, ['next'])).toBeGreaterThanOrEqual(before);
    expect(leftBy(subject)(await broker.read(CONTENT, 0, 10))).toEqual(['next']);
  });

  it.each(['log', 'quarantine'] as const)('never erases the topic %s', async (topic) => {
    const { broker } = context();
    const tp = { topic, partition: 0 };
    await broker.append(tp, [{ key: 'k', value: Buffer.from('v') }]);
    expect(await code(broker.erase(topic, 'k'))).toBe('BROKER_NOT_ERASABLE');
    expect(texts(await broker.read(tp, 0, 1))).toEqual(['v']);
  });
}

function describeLimits(context: Context): void {
  const record = (bytes: number): { key: string; value: Uint8Array } => ({
    key: 'k',
    value: new Uint8Array(bytes),
  });

  it('takes the largest record and the most records', async () => {
    const { broker } = context();
    await broker.append(LOG, [record(MAX_RECORD_BYTES)]);
    await broker.append(
      LOG,
      Array.from({ length: MAX_RECORDS_PER_APPEND }, () => record(1)),
    );
    expect(await broker.end(LOG)).toBe(1 + MAX_RECORDS_PER_APPEND);
    const [largest] = await broker.read(LOG, 0, 1);
    expect(largest?.value).toHaveLength(MAX_RECORD_BYTES);
    expect(await broker.read(LOG, 1, MAX_READ_RECORDS)).toHaveLength(MAX_RECORDS_PER_APPEND);
  });

  it('refuses more, and stores nothing of it', async () => {
    const { broker } = context();
    const tooMany = Array.from({ length: MAX_RECORDS_PER_APPEND + 1 }, () => record(1));
    const tooLarge = [record(MAX_APPEND_BYTES / 2), record(MAX_APPEND_BYTES / 2)];
    const refused = [[], tooMany, tooLarge, [record(1), record(MAX_RECORD_BYTES + 1)]];
    refused.push([{ key: 'k'.repeat(513), value: new Uint8Array() }]);
    refused.push([{ key: '\ud800', value: new Uint8Array() }]);
    refused.push([{ key: 'a\0b', value: new Uint8Array() }]);
    for (const records of refused) {
      expect(await code(broker.append(LOG, records))).toBe('BROKER_LIMIT');
    }
    expect(await broker.end(LOG)).toBe(0);
  });

  it('bounds the bytes of one read, and still goes on', async () => {
    const { broker } = context();
    const count = Math.ceil(MAX_READ_BYTES / MAX_RECORD_BYTES) + 1;
    for (let i = 0; i < count; i += 1) await broker.append(LOG, [record(MAX_RECORD_BYTES)]);
    const first = await broker.read(LOG, 0, MAX_READ_RECORDS);
    expect(first.length).toBeGreaterThan(0);
    expect(first.length * MAX_RECORD_BYTES).toBeLessThanOrEqual(MAX_READ_BYTES);
    const rest = await broker.read(LOG, first.length, MAX_READ_RECORDS);
    expect(first.length + rest.length).toBe(count);
  });

  it('refuses a read that makes no sense', async () => {
    const { broker } = context();
    for (const [from, max] of [
      [-1, 1],
      [0.5, 1],
      [0, 0],
      [0, MAX_READ_RECORDS + 1],
      [NaN, 1],
    ] as const) {
      expect(await code(broker.read(LOG, from, max))).toBe('BROKER_LIMIT');
    }
  });
}

function describeHeaders(context: Context, reopen: () => Promise<Broker>): void {
  const value = Buffer.from('v');
  const headers = { ce_id: 'sha256:x', 'content-type': 'application/avro', empty: '' };
  const put = async (tp: TopicPartition, given?: RecordHeaders): Promise<void> => {
    const record = { key: 'k', value, ...(given !== undefined && { headers: given }) };
    await context().broker.append(tp, [record]);
  };
  const found = async (broker: Broker, tp: TopicPartition): Promise<unknown[]> =>
    (await broker.read(tp, 0, 10)).map((record) => record.headers);

  it('gives back the headers of each record, and none where there were none', async () => {
    await put(LOG, headers);
    await put(LOG);
    await put(LOG, {});
    expect(await found(context().broker, LOG)).toEqual([headers, undefined, undefined]);
    expect(await found(await reopen(), LOG)).toEqual([headers, undefined, undefined]);
  });

  it('keeps no headers that the caller may change', async () => {
    const mine = { ...headers };
    const appended = put(LOG, mine);
    mine.ce_id = 'changed';
    await appended;
    expect(await found(context().broker, LOG)).toEqual([headers]);
  });

  it('forgets the headers of what was erased', async () => {
    const { broker, subject } = context();
    await put(CONTENT, headers);
    await broker.erase('content', 'k');
    const again = await reopen();
    const last = (await again.read(CONTENT, 0, 10)).at(-1);
    expect([last?.value, last?.headers]).toEqual([null, undefined]);
    if (subject.erasure !== 'by compaction')
      expect(await found(again, CONTENT)).toEqual([undefined]);
  });

  it('takes as many headers as it says, and refuses more, longer and unprintable ones', async () => {
    const { broker } = context();
    const many = (count: number): RecordHeaders =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, '']));
    await put(LOG, many(MAX_HEADERS));
    await put(LOG, { a: 'x'.repeat(MAX_HEADER_BYTES - 1) });
    const refused = [many(MAX_HEADERS + 1), { a: 'x'.repeat(MAX_HEADER_BYTES) }];
    for (const name of ['', 'A', '-a', 'a b', '__proto__x', 'a'.repeat(65)]) {
      refused.push({ [name]: '' });
    }
    for (const text of ['\n', '\0', 'ü', '\ud800', '\x7f']) refused.push({ a: text });
    for (const given of refused) expect(await code(put(LOG, given))).toBe('BROKER_LIMIT');
    expect(await broker.end(LOG)).toBe(2);
    expect((await broker.read(LOG, 0, 1))[0]?.headers).toEqual(many(MAX_HEADERS));
  });

  it('counts headers against the size of an append', async () => {
    const { broker } = context();
    const large = (bytes: number): { key: string; value: Uint8Array } => ({
      key: 'k',
      value: new Uint8Array(bytes),
    });
    const half = MAX_APPEND_BYTES / 2 - 1_000;
    const heavy = { headers: { a: 'x'.repeat(2_000) } };
    const tooLarge = [
      { ...large(half), ...heavy },
      { ...large(half), ...heavy },
    ];
    expect(await code(broker.append(LOG, tooLarge))).toBe('BROKER_LIMIT');
    await broker.append(LOG, [large(half), large(half)]);
  });
}

async function append(broker: Broker, tp: TopicPartition, values: string[]): Promise<number> {
  const records = values.map((text) => ({ key: `key-${text}`, value: Buffer.from(text) }));
  return (await broker.append(tp, records)).firstOffset;
}

function texts(records: readonly StoredRecord[]): (string | null)[] {
  return records.map((r) => (r.value === null ? null : Buffer.from(r.value).toString()));
}

/** What a reader of the content topic is left with once it has read it to the end. */
function leftBy({ erasure }: BrokerSubject): typeof live {
  return erasure === 'by compaction' ? unburied : live;
}

/** Without what a later null value under its key has erased: it goes with the next compaction. */
function unburied(records: readonly StoredRecord[]): (string | null)[] {
  const isBuried = ({ key, offset }: StoredRecord): boolean =>
    records.some((later) => later.key === key && later.offset > offset && later.value === null);
  return live(records.filter((record) => !isBuried(record)));
}

/** Without what was erased. */
function live(records: readonly StoredRecord[]): (string | null)[] {
  return texts(records.filter((r) => r.value !== null));
}

async function code(operation: Promise<unknown>): Promise<BrokerErrorCode | 'resolved'> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof BrokerError) return error.code;
    throw error;
  }
  return 'resolved';
}
