import { parseVerifierKey, type NoteSigner } from '@countersign/tlog';
import { encodeLogRecord } from '@countersign/wire';
import { describe, expect, it } from 'vitest';
import { LogReader, type LogEvent, type ResumePoint } from '../src/index.ts';
import { LogOfTest, ORIGIN, change, signer, verifySignature } from './log-of-test.ts';

function added({ vkey }: { readonly vkey: string }): string {
  return change({ kind: 'log-key-added', vkey });
}

function removed({ vkey }: NoteSigner): string {
  return change({ kind: 'log-key-removed', id: parseVerifierKey(vkey).keyIdHex });
}

function readerOf(log: LogOfTest, resume?: ResumePoint): LogReader {
  return new LogReader({
    origin: ORIGIN,
    logKeys: [log.key.vkey],
    verifySignature,
    ...(resume !== undefined && { resume }),
  });
}

async function readOn(reader: LogReader, log: LogOfTest): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for (let offset = reader.nextOffset; offset < log.values.length; offset += 1) {
    const value = log.values[offset] ?? null;
    const event = await reader.read({ offset, appendTimeMs: 0, value });
    if (event !== undefined) events.push(event);
  }
  return events;
}

/** Signs the log as it stands, with another key than the first. */
async function seal(log: LogOfTest, key: NoteSigner): Promise<void> {
  await log.seal(undefined, key);
}

describe('the keys that a log tells itself', () => {
  it('count once a head that holds their entry is signed by a key that counted before', async () => {
    const log = new LogOfTest();
    const key = signer();
    log.grow('a');
    await log.seal();
    log.grow(added(key));
    await seal(log, key);
    const reader = readerOf(log);
    await readOn(reader, log);
    expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([1, 1]);
    await log.seal();
    log.grow('b');
    await seal(log, key);
    await readOn(reader, log);
    expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([3, 1]);
  });

  it('of a stranger who writes a batch but has no key seal nothing, whatever follows', async () => {
    const log = new LogOfTest();
    const stranger = signer();
    log.grow('a', added(stranger), removed(log.key));
    await seal(log, stranger);
    log.grow('b');
    await seal(log, stranger);
    const reader = readerOf(log);
    await readOn(reader, log);
    expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([0, 2]);
  });

  it('end with the entry that removes them', async () => {
    const log = new LogOfTest();
    const key = signer();
    log.grow(added(key));
    await log.seal();
    log.grow('a');
    const beforeItEnds = { size: log.range.size, root: log.range.root() };
    log.grow(removed(log.key));
    // The newest head that it may sign is the one before; this one it may not.
    await log.seal(beforeItEnds);
    await log.seal();
    const reader = readerOf(log);
    await readOn(reader, log);
    expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([2, 1]);
    await seal(log, key);
    log.grow('b');
    await log.seal();
    await seal(log, key);
    await readOn(reader, log);
    expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([4, 2]);
    expect(reader.keys.spans).toEqual([
      { vkey: log.key.vkey, from: 0, until: 2 },
      { vkey: key.vkey, from: 1, until: null },
    ]);
  });

  it('that were removed prove no rollback: who has one could stop every reader', async () => {
    const log = new LogOfTest();
    const key = signer();
    log.grow(added(key));
    await log.seal();
    log.grow(removed(log.key));
    await seal(log, key);
    const beyond = await log.note({ size: 99, root: new Uint8Array(32).fill(1) });
    log.push(encodeLogRecord({ kind: 'checkpoint', size: 99, note: beyond }));
    const reader = readerOf(log);
    await readOn(reader, log);
    expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([2, 1]);
    await log.seal({ size: 1, root: new Uint8Array(32).fill(1) });
    // At a size that was its own, two roots are a crime whoever has it now.
    await expect(readOn(reader, log)).rejects.toMatchObject({ code: 'EQUIVOCATION' });
  });

  it('are handed on to whoever resumes from a signed head', async () => {
    const log = new LogOfTest();
    const key = signer();
    log.grow(added(key));
    await log.seal();
    log.grow(removed(log.key));
    await seal(log, key);
    const events = await readOn(readerOf(log), log);
    log.grow('a');
    await log.seal();
    await seal(log, key);
    for (const event of events) {
      if (event.kind !== 'sealed') continue;
      const reader = readerOf(log, event.resume);
      await readOn(reader, log);
      expect([reader.sealedSize, reader.counts.notValidCheckpoints]).toEqual([3, 1]);
    }
  });

  it('are marked in the batch that changes them', async () => {
    const log = new LogOfTest();
    log.grow('a');
    log.grow('b', added(signer()));
    log.grow('c');
    const events = await readOn(readerOf(log), log);
    const batches = events.flatMap((event) => (event.kind === 'batch' ? [event.changesKeys] : []));
    expect(batches).toEqual([false, true, false]);
  });

  it('are none that no ledger would add', async () => {
    const log = new LogOfTest();
    log.grow(
      added(signer('another.log')),
      added({ vkey: 'rubbish' }),
      added(log.key),
      change({ kind: 'log-key-removed', id: '00000000' }),
    );
    await log.seal();
    const reader = readerOf(log);
    await readOn(reader, log);
    expect(reader.sealedSize).toBe(4);
    expect(reader.keys.spans).toEqual([{ vkey: log.key.vkey, from: 0, until: null }]);
  });
});
