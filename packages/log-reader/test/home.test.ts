import { encodeLogRecord } from '@countersign/wire';
import { describe, expect, it } from 'vitest';
import { LogReader, type LogEvent, type LogReaderOptions } from '../src/index.ts';
import { LogOfTest, ORIGIN, change, verifySignature } from './log-of-test.ts';

const MOVED = change({ kind: 'home-moved', tenant: 'acme', from: 3, to: 5 });

function readerOf(log: LogOfTest, more: Partial<LogReaderOptions>): LogReader {
  return new LogReader({ origin: ORIGIN, logKeys: [log.key.vkey], verifySignature, ...more });
}

async function readOn(reader: LogReader, values: readonly Uint8Array[]): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for (let offset = reader.nextOffset; offset < values.length; offset += 1) {
    const event = await reader.read({ offset, appendTimeMs: 0, value: values[offset] ?? null });
    if (event !== undefined) events.push(event);
  }
  return events;
}

/** A log that has moved from 3 to 5. */
async function movedLog(): Promise<LogOfTest> {
  const log = new LogOfTest();
  log.grow('a');
  await log.seal();
  log.grow('b', MOVED);
  await log.seal();
  return log;
}

describe('a log that moves to another partition', () => {
  it('ends in the old one: whatever follows there is not accepted, however exact', async () => {
    const log = await movedLog();
    log.grow('zombie');
    const reader = readerOf(log, { partition: 3 });
    const events = await readOn(reader, log.values);
    expect(events.map(({ kind }) => kind)).toEqual(['batch', 'sealed', 'batch', 'sealed']);
    expect([reader.movedTo, reader.head.size, reader.sealedSize]).toEqual([5, 3, 3]);
    expect(reader.counts).toMatchObject({ closedBatches: 1, ignoredBatches: 0 });
  });

  it('is closed before it is signed, and then signed like any other', async () => {
    const log = new LogOfTest();
    log.grow('a', MOVED);
    log.grow('zombie');
    const reader = readerOf(log, { partition: 3 });
    await readOn(reader, log.values);
    expect([reader.movedTo, reader.head.size, reader.sealedSize]).toEqual([5, 2, 0]);
    const note = await log.note({ size: 2, root: reader.head.root });
    log.push(encodeLogRecord({ kind: 'checkpoint', size: 2, note }));
    const [sealed] = await readOn(reader, log.values);
    expect(sealed).toMatchObject({ kind: 'sealed', size: 2, resume: { movedTo: 5 } });
  });

  it('stays closed for a reader that goes on from a signed head', async () => {
    const log = await movedLog();
    const first = readerOf(log, { partition: 3 });
    const events = await readOn(first, log.values);
    const [before, after] = events.flatMap((each) => (each.kind === 'sealed' ? [each] : []));
    expect(before?.resume.movedTo).toBeUndefined();
    log.grow('zombie');
    for (const sealed of [before, after]) {
      const resume = sealed?.resume;
      const reader = readerOf(log, { partition: 3, ...(resume !== undefined && { resume }) });
      await readOn(reader, log.values);
      expect([reader.movedTo, reader.head.size]).toEqual([5, 3]);
      expect(reader.counts.closedBatches).toBe(1);
    }
  });

  it('goes on in the new one, where its intake is read from the beginning', async () => {
    const log = await movedLog();
    const reader = readerOf(log, { partition: 5 });
    const events = await readOn(reader, log.values);
    expect([reader.movedTo, reader.head.size, reader.head.intakeOffset]).toEqual([undefined, 3, 0]);
    expect(events.at(-1)).toMatchObject({ resume: { intakeOffset: 0 } });
    log.grow('c');
    await readOn(reader, log.values);
    expect(reader.head).toMatchObject({ size: 4, intakeOffset: 4 });
  });

  it('can be followed in a third one through both of its moves', async () => {
    const log = await movedLog();
    log.grow('c', change({ kind: 'home-moved', tenant: 'acme', from: 5, to: 7 }));
    log.grow('d');
    const read = async (partition: number): Promise<readonly (number | undefined)[]> => {
      const reader = readerOf(log, { partition });
      await readOn(reader, log.values);
      return [reader.movedTo, reader.head.size];
    };
    expect(await read(3)).toEqual([5, 3]);
    expect(await read(5)).toEqual([7, 5]);
    expect(await read(7)).toEqual([undefined, 6]);
  });
});
