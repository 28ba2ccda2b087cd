import type { AuditOptions, SeenHead } from '@countersign/audit';
import { canonicalBytes } from '@countersign/canonical';
import { parseCheckpoint, parseNote } from '@countersign/tlog';
import { parseTrust } from '@countersign/verify';
import { beforeAll, describe, expect, it } from 'vitest';
import { auditOf, auditRefusal, audited, type LogFiles } from '../support/audited-log.ts';
import { DecidedLog, filesOf } from '../support/decided-log.ts';
import { noteSigner } from '../support/note-key.ts';

const HASH_BYTES = 32;

let log: DecidedLog;
let files: LogFiles;

beforeAll(async () => {
  log = new DecidedLog();
  while (log.entries.length < 530) {
    await log.bind();
    log.forward(1_000);
  }
  files = await log.files();
});

function flipped(path: string, at: number): LogFiles {
  const bytes = Uint8Array.from(files.get(path) ?? []);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return new Map([...files, [path, bytes]]);
}

/** Where an entry begins in its bundle. */
function startIn(path: string, position: number): number {
  const bundle = Buffer.from(files.get(path) ?? []);
  let at = 0;
  for (let each = 0; each < position; each += 1) at += 2 + bundle.readUInt16BE(at);
  return at;
}

function edgePath(level: string): string {
  const path = [...files.keys()].find(
    (each) => each.startsWith(`tile/${level}/`) && each.includes('.p/'),
  );
  return path ?? '';
}

function headOf(of: LogFiles): SeenHead {
  const note = Buffer.from(of.get('checkpoint') ?? []).toString();
  const { size, root } = parseCheckpoint(parseNote(note).text);
  return { size, root, note };
}

describe('a log of which one byte was changed', () => {
  it('is VALID before', async () => {
    const { head, counts } = await audited(log, files);
    expect([head.size, counts['binding-made']]).toEqual([log.entries.length, 177]);
  });

  it('G01: in an entry of a full bundle: BUNDLE_MISMATCH, at that entry', async () => {
    const path = 'tile/entries/001';
    const refused = await auditRefusal(log, flipped(path, startIn(path, 44) + 20));
    expect(refused).toMatchObject({ code: 'BUNDLE_MISMATCH', index: 300 });
  });

  it('G01: in a length, and in an entry of the last bundle: BUNDLE_MISMATCH', async () => {
    const path = 'tile/entries/001';
    const cut = await auditRefusal(log, flipped(path, startIn(path, 44) + 1));
    expect(cut).toMatchObject({ code: 'BUNDLE_MISMATCH', index: 300 });
    const edge = edgePath('entries');
    const last = await auditRefusal(log, flipped(edge, startIn(edge, 3) + 20));
    expect(last).toMatchObject({ code: 'BUNDLE_MISMATCH', index: 515 });
  });

  it('G01: in a hash of an entry: TILE_MISMATCH, at that entry', async () => {
    const refused = await auditRefusal(log, flipped('tile/0/001', 44 * HASH_BYTES + 5));
    expect(refused).toMatchObject({ code: 'TILE_MISMATCH', index: 300 });
    const last = await auditRefusal(log, flipped(edgePath('0'), 3 * HASH_BYTES));
    expect(last).toMatchObject({ code: 'TILE_MISMATCH', index: 515 });
  });

  it('G01: in a tile above: TILE_MISMATCH, at the first entry below', async () => {
    const refused = await auditRefusal(log, flipped(edgePath('1'), HASH_BYTES));
    expect(refused).toMatchObject({ code: 'TILE_MISMATCH', index: 256 });
  });

  it('in the root of the checkpoint: CHECKPOINT_INVALID', async () => {
    const note = Buffer.from(files.get('checkpoint') ?? []).toString();
    const at = note.indexOf('\n', note.indexOf('\n') + 1) + 3;
    const other = note[at] === 'A' ? 'B' : 'A';
    const changed = Buffer.from(note.slice(0, at) + other + note.slice(at + 1));
    const refused = await auditRefusal(log, new Map([...files, ['checkpoint', changed]]));
    expect(refused).toMatchObject({ code: 'CHECKPOINT_INVALID', index: undefined });
  });
});

describe('a log that does not hold together', () => {
  it('without one of its tiles: TILE_MISSING', async () => {
    const without = new Map([...files].filter(([path]) => path !== 'tile/0/001'));
    expect(await auditRefusal(log, without)).toMatchObject({ code: 'TILE_MISSING' });
  });

  it('G01: with the tiles of other entries under its head: ROOT_MISMATCH', async () => {
    const other = await filesOf(
      [...log.entries.slice(0, -3), ...log.entries.slice(-3).reverse()],
      log.signer,
    );
    const mixed = new Map([...other, ['checkpoint', files.get('checkpoint') ?? new Uint8Array()]]);
    expect(await auditRefusal(log, mixed)).toMatchObject({ code: 'ROOT_MISMATCH' });
  });

  it('founded by others: GENESIS_MISMATCH at entry 0', async () => {
    const other = new DecidedLog();
    const trust = { ...log.trust(), log_keys: [other.signer.vkey] };
    const refused = await auditRefusal(log, await other.files(), {
      trust: parseTrust(canonicalBytes(trust)),
    });
    expect(refused).toMatchObject({ code: 'GENESIS_MISMATCH', index: 0 });
  });

  it('signed by a key that nobody let in: LOG_KEY_UNKNOWN', async () => {
    const stranger = await filesOf(log.entries, noteSigner(log.origin));
    expect(await auditRefusal(log, stranger)).toMatchObject({ code: 'LOG_KEY_UNKNOWN' });
  });
});

describe('a log that was seen before', () => {
  it('G02: with another root of the same size: EQUIVOCATION, with both signed heads', async () => {
    const fork = [...log.entries.slice(0, -1), ...new DecidedLog({ like: log }).entries];
    const forked = await filesOf(fork, log.signer);
    const refused = await auditRefusal(log, forked, { seen: headOf(files) });
    expect(refused.code).toBe('EQUIVOCATION');
    expect(refused.evidence).toEqual([headOf(files).note, headOf(forked).note]);
  });

  it('G03: that is shorter: LOG_ROLLBACK', async () => {
    const shorter = await filesOf(log.entries.slice(0, 400), log.signer);
    const refused = await auditRefusal(log, shorter, { seen: headOf(files) });
    expect([refused.code, refused.evidence.length]).toEqual(['LOG_ROLLBACK', 2]);
  });

  it('G03: that was rolled back and grown past it: LOG_ROLLBACK before anything else is looked at', async () => {
    const grown = [
      ...log.entries.slice(0, 400),
      ...log.entries.slice(403),
      ...log.entries.slice(-9),
    ];
    const refused = await auditRefusal(log, await filesOf(grown, log.signer), {
      seen: headOf(files),
    });
    expect([refused.code, refused.evidence.length]).toEqual(['LOG_ROLLBACK', 2]);
  });

  it('G03: that ends before the head which the trust file pins, or has another there: LOG_ROLLBACK', async () => {
    const { size } = headOf(files);
    const pinning = (root: Uint8Array, at: number): Partial<AuditOptions> => {
      const pinned_head = { size: at, root: Buffer.from(root).toString('base64') };
      return { trust: parseTrust(canonicalBytes(log.trust({ pinned_head }))) };
    };
    const ahead = await auditRefusal(log, files, pinning(headOf(files).root, size + 1));
    const other = await auditRefusal(log, files, pinning(new Uint8Array(32), 400));
    expect([ahead.code, other.code]).toEqual(['LOG_ROLLBACK', 'LOG_ROLLBACK']);
  });

  it('is checked from the beginning where an earlier run has checked other entries', async () => {
    const from = { size: 300, root: new Uint8Array(32) };
    const found = await auditOf(log, files, { from }).run();
    expect([found.from, found.counts['binding-made']]).toEqual([0, 177]);
  });

  it('that goes on from it: VALID, and the same audit goes on from there', async () => {
    const growing = new Map(await filesOf(log.entries.slice(0, 262), log.signer));
    const audit = auditOf(log, growing);
    expect((await audit.run()).head.size).toBe(262);
    for (const [path, bytes] of files) growing.set(path, bytes);
    const found = await audit.run();
    expect(found.head.size).toBe(log.entries.length);
    expect(found.counts).toEqual((await audited(log, files)).counts);
    const taken = auditOf(log, files, { seen: headOf(files), from: headOf(files) });
    expect((await taken.run()).signatures).toBe(0);
  });
});
