import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromUtf8, utf8 } from '@countersign/canonical';
import { sqliteSnapshots, type SnapshotStore, type SqliteSnapshots } from '@countersign/ledger';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

type Actions = readonly (readonly [string, Uint8Array | undefined])[];

let folder: string;
let file: string;
const opened: SqliteSnapshots[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'countersign-snapshot-'));
  file = path.join(folder, 'snapshot.db');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await rm(folder, { recursive: true });
});

function open(): SqliteSnapshots {
  const snapshots = sqliteSnapshots(file);
  opened.push(snapshots);
  return snapshots;
}

async function texts(
  store: SnapshotStore,
): Promise<{ head: string; actions: string[] } | undefined> {
  const stored = await store.load();
  if (stored === undefined) return undefined;
  const actions: string[] = [];
  for await (const some of stored.actions) actions.push(...some.map(fromUtf8));
  return { head: fromUtf8(stored.head), actions: actions.sort() };
}

function numbered(from: number, to: number, text = 'text'): Actions {
  const ids = Array.from({ length: to - from }, (_, at) => `id${from + at}`);
  return ids.map((id) => [id, utf8(`${text} ${id}`)]);
}

describe('snapshots in a SQLite file', () => {
  it('gives back what was saved last, also to the next process', async () => {
    const one = open();
    expect(await texts(one)).toBeUndefined();
    await one.save({ head: utf8('1'), isWhole: true, actions: numbered(0, 4_500) });
    await one.save({
      head: utf8('2'),
      isWhole: false,
      actions: [['id7', undefined], ['id8', utf8('other')], ...numbered(4_500, 4_600)],
    });
    await one.close();
    const found = await texts(open());
    expect(found?.head).toBe('2');
    expect(found?.actions).toHaveLength(4_599);
    expect(found?.actions).toContain('other');
    expect(found?.actions).not.toContain('text id7');
  });

  it('keeps nothing of the one before in a whole one', async () => {
    const one = open();
    await one.save({ head: utf8('1'), isWhole: true, actions: numbered(0, 10) });
    await one.save({ head: utf8('2'), isWhole: true, actions: numbered(5, 7, 'new') });
    expect(await texts(one)).toEqual({ head: '2', actions: ['new id5', 'new id6'] });
  });

  it('has the last one, or none, when a save ends before its time', async () => {
    const one = open();
    const broken = function* (count: number): Generator<readonly [string, Uint8Array]> {
      for (let at = 0; at < count; at += 1) yield [`id${at}`, utf8('broken')];
      throw new Error('stopped');
    };
    await one.save({ head: utf8('1'), isWhole: true, actions: numbered(0, 3) });
    const few = one.save({ head: utf8('2'), isWhole: false, actions: broken(500) });
    await expect(few).rejects.toThrow('stopped');
    expect(await texts(one)).toMatchObject({
      head: '1',
      actions: ['text id0', 'text id1', 'text id2'],
    });
    const many = one.save({ head: utf8('2'), isWhole: false, actions: broken(20_500) });
    await expect(many).rejects.toThrow('stopped');
    expect(await texts(one)).toBeUndefined();
    await one.save({ head: utf8('3'), isWhole: true, actions: numbered(0, 1) });
    const whole = one.save({ head: utf8('4'), isWhole: true, actions: broken(10) });
    await expect(whole).rejects.toThrow('stopped');
    expect(await texts(one)).toBeUndefined();
  });

  it('replaces a file that is none of ours', async () => {
    await writeFile(file, 'something else'.repeat(1_000));
    const one = open();
    expect(await texts(one)).toBeUndefined();
    await one.save({ head: utf8('1'), isWhole: true, actions: numbered(0, 1) });
    expect(await texts(one)).toEqual({ head: '1', actions: ['text id0'] });
  });

  it('says so when another process has it, or it cannot be made', async () => {
    await open().load();
    await expect(open().load()).rejects.toMatchObject({ code: 'SNAPSHOT_UNREADABLE' });
    const nowhere = sqliteSnapshots(path.join(folder, 'no', 'such', 'folder.db'));
    await expect(nowhere.load()).rejects.toMatchObject({ code: 'SNAPSHOT_UNREADABLE' });
  });
});
