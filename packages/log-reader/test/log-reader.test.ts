import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { LogReader, type LogEvent, type LogReaderOptions } from '@countersign/log-reader';
import { CompactRange, formatTlogProof, hashLeaf, verifyInclusion } from '@countersign/tlog';
import { utf8 } from '@countersign/canonical';
import { encodeLogRecord } from '@countersign/wire';
import { LogOfTest, ORIGIN, signer, verifySignature } from './log-of-test.ts';

function readerOf(log: LogOfTest, more: Partial<LogReaderOptions> = {}): LogReader {
  return new LogReader({ origin: ORIGIN, logKeys: [log.key.vkey], verifySignature, ...more });
}

async function readAll(reader: LogReader, log: LogOfTest): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for (const [offset, value] of log.values.entries()) {
    if (offset < reader.nextOffset) continue;
    const event = await reader.read({ offset, value, appendTimeMs: 0 });
    if (event !== undefined) events.push(event);
  }
  return events;
}

async function failureOf(log: LogOfTest, more?: Partial<LogReaderOptions>): Promise<unknown> {
  return readAll(readerOf(log, more), log).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a log reader', () => {
  it('accepts batches in order and tells what a signed head seals', async () => {
    const log = new LogOfTest();
    log.grow('a', 'b');
    await log.seal();
    log.grow('c');
    await log.seal();
    const reader = readerOf(log);
    const events = await readAll(reader, log);
    expect(events.map(({ kind }) => kind)).toEqual(['batch', 'sealed', 'batch', 'sealed']);
    expect(reader.head.size).toBe(3);
    expect(reader.head.root).toEqual(log.range.root());
    expect(reader.sealedSize).toBe(3);
    expect(reader.unsealed).toEqual([]);
  });

  it('proves every newly sealed entry from the tail alone', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.boolean(), { minLength: 12 }), async (batches, seals) => {
        const log = new LogOfTest();
        for (const [at, count] of batches.entries()) {
          log.grow(...Array.from({ length: count }, (_, n) => `${at}/${n}`));
          if (seals[at] === true) await log.seal();
        }
        const reader = readerOf(log);
        let proven = 0;
        for (const event of await readAll(reader, log)) {
          if (event.kind !== 'sealed') continue;
          for (const { index, leafHash } of event.batches.flatMap((batch) => batch.entries)) {
            const proof = event.tail.inclusion(index, event.size);
            verifyInclusion({ leafHash, index, size: event.size, proof, root: event.root });
            const receipt = formatTlogProof({ index, proof, checkpoint: event.note });
            expect(event.tail.receipt(index, event)).toBe(receipt);
            proven += 1;
          }
        }
        expect(proven).toBe(reader.sealedSize);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['another size before', { sizeBefore: 1, sizeAfter: 2 }],
    ['another root before', { rootBefore: new Uint8Array(32) }],
    ['another root after', { rootAfter: new Uint8Array(32) }],
    ['another size after', { sizeAfter: 9 }],
    ['another origin', { origin: 'countersign.test/other' }],
    ['no entries', { entries: [], sizeAfter: 2 }],
  ])('ignores a batch with %s', async (_what, more) => {
    const log = new LogOfTest();
    log.grow('a', 'b');
    log.push(log.batch(['x'], more));
    log.grow('c');
    const reader = readerOf(log);
    await readAll(reader, log);
    expect(reader.head.size).toBe(3);
    expect(reader.counts.ignoredBatches).toBe(1);
  });

  it('takes the first of two successors, whoever wrote it', async () => {
    const log = new LogOfTest();
    log.grow('a');
    const loser = log.batch(['late']);
    log.grow('first');
    log.push(loser);
    const reader = readerOf(log);
    const events = await readAll(reader, log);
    expect(events).toHaveLength(2);
    expect(reader.counts.ignoredBatches).toBe(1);
    expect(reader.head.root).toEqual(log.range.root());
  });

  it('counts doubled, unsigned and unreadable records, and goes on', async () => {
    const log = new LogOfTest();
    log.grow('a');
    await log.seal();
    await log.seal();
    await log.seal(undefined, signer());
    log.push(Uint8Array.of(1, 2, 3));
    log.push(encodeLogRecord({ kind: 'checkpoint', size: 1, note: 'no note' }));
    log.grow('b');
    const reader = readerOf(log);
    await readAll(reader, log);
    expect(reader.counts).toEqual({
      ignoredBatches: 0,
      closedBatches: 0,
      doubledCheckpoints: 1,
      unsignedCheckpoints: 2,
      uncheckedCheckpoints: 0,
      notValidCheckpoints: 0,
      undecodable: 1,
    });
    expect(reader.head.size).toBe(2);
  });

  it('stops at a signed head that contradicts the log, with both notes as evidence', async () => {
    const log = new LogOfTest();
    log.grow('a');
    await log.seal();
    const other = { size: 1, root: hashLeaf(utf8('b')) };
    await log.seal(other);
    expect(await failureOf(log)).toMatchObject({
      code: 'EQUIVOCATION',
      evidence: [await log.note(), await log.note(other)],
    });
  });

  it('stops at a signed head of a size within a batch, where somebody can tell its root', async () => {
    const log = new LogOfTest();
    log.grow('a', 'b', 'c');
    const range = CompactRange.empty();
    for (const entry of ['a', 'b']) range.append(hashLeaf(utf8(entry)));
    await log.seal({ size: 2, root: range.root() });
    const rootAt = (): Promise<Uint8Array> => Promise.resolve(range.root());
    expect(await failureOf(log, { rootAt })).toBeUndefined();
    await log.seal({ size: 2, root: hashLeaf(utf8('x')) });
    expect(await failureOf(log, { rootAt })).toMatchObject({ code: 'EQUIVOCATION' });
    const reader = readerOf(log);
    await readAll(reader, log);
    expect(reader.counts.uncheckedCheckpoints).toBe(2);
  });

  it('stops at a signed head that the log does not reach', async () => {
    const log = new LogOfTest();
    log.grow('a');
    await log.seal({ size: 2, root: log.range.root() });
    expect(await failureOf(log)).toMatchObject({ code: 'LOG_ROLLBACK' });
  });

  it('stops when a pinned head is not in the log, also within a batch', async () => {
    const log = new LogOfTest();
    log.grow('a');
    log.grow('b', 'c', 'd');
    const range = CompactRange.empty();
    for (const entry of ['a', 'b', 'c']) range.append(hashLeaf(utf8(entry)));
    const pinned = { size: 3, root: range.root() };
    expect(await failureOf(log, { pinned })).toBeUndefined();
    const wrong = { size: 3, root: log.range.root() };
    expect(await failureOf(log, { pinned: wrong })).toMatchObject({ code: 'LOG_ROLLBACK' });
  });

  it('refuses a record out of order', async () => {
    const log = new LogOfTest();
    log.grow('a');
    const [value = null] = log.values;
    await expect(readerOf(log).read({ offset: 1, value, appendTimeMs: 0 })).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
    });
  });

  it('passes over an empty record, which anybody may write to the topic', async () => {
    const log = new LogOfTest();
    log.grow('a');
    const [first = null] = log.values;
    const reader = readerOf(log);
    const read = (offset: number, value: Uint8Array | null): Promise<unknown> =>
      reader.read({ offset, value, appendTimeMs: 0 });
    await read(0, null);
    await read(1, first);
    expect([reader.head.size, reader.counts.undecodable]).toEqual([1, 1]);
  });

  it('resumed at any signed head, sees the same as one that never stopped', async () => {
    const log = new LogOfTest();
    log.grow('a', 'b', 'c');
    await log.seal();
    log.grow('d');
    log.grow('e', 'f');
    // The first of two batches is sealed after the second was written.
    const half = CompactRange.empty();
    for (const entry of ['a', 'b', 'c', 'd']) half.append(hashLeaf(utf8(entry)));
    await log.seal({ size: 4, root: half.root() });
    log.push(log.batch(['zombie'], { rootBefore: new Uint8Array(32) }));
    await log.seal();
    const whole = await readAll(readerOf(log), log);
    const heads = whole.filter((event) => event.kind === 'sealed');
    expect(heads.map(({ size }) => size)).toEqual([3, 4, 6]);
    for (const head of heads) {
      const reader = readerOf(log, { resume: head.resume });
      const later = (await readAll(reader, log)).filter((event) => event.kind === 'sealed');
      expect(later.map(({ size }) => size)).toEqual([3, 4, 6].filter((size) => size > head.size));
      expect(reader.head.root).toEqual(log.range.root());
    }
  });

  it('accepts nothing when any single bit of a batch is flipped', async () => {
    const log = new LogOfTest();
    log.grow('a');
    const sound = log.batch(['{"b":1}']);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: sound.length * 8 - 1 }), async (bit) => {
        const reader = readerOf(log);
        await readAll(reader, log);
        const value = sound.slice();
        value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const event = await reader.read({ offset: 1, value, appendTimeMs: 0 });
        // Epoch, intake offset and rules version are not covered by the root; the entries all are.
        if (event?.kind === 'batch') expect(event.entries[0]?.bytes).toEqual(utf8('{"b":1}'));
        else expect(event).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
