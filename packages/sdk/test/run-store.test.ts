import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryRunStore, type RunStore } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const RUN = '01KAR5RWY00000000000000001.1';
const OTHER = '01KAR5RWY00000000000000001.2';

let folder: string;
let serial = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-store-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const STORES: [string, () => RunStore][] = [
  ['in memory', memoryRunStore],
  ['in files', () => fileRunStore(join(folder, String((serial += 1))))],
];

describe.each(STORES)('a run store %s', (_, open) => {
  it('tells one of all who create a part that it was the first, and never changes it', async () => {
    const store = open();
    const made = await Promise.all(['a', 'b', 'c'].map((text) => store.create(RUN, 'start', text)));
    expect(made.filter((isFirst) => isFirst)).toHaveLength(1);
    const kept = await store.read(RUN, 'start');
    expect(kept).toBe(['a', 'b', 'c'][made.indexOf(true)]);
    expect(await store.create(RUN, 'start', 'later')).toBe(false);
    expect(await store.read(RUN, 'start')).toBe(kept);
    expect(await store.read(RUN, 'report')).toBeUndefined();
  });

  it('lets one at a time at a run', async () => {
    const store = open();
    const lock = await store.lock(RUN);
    expect(await store.lock(RUN)).toBeUndefined();
    await (await store.lock(OTHER))?.release();
    await lock?.release();
    const again = await store.lock(RUN);
    expect(again).toBeDefined();
    await again?.release();
  });

  it('lists what was claimed until its report is sent, and forgets a claim', async () => {
    const store = open();
    expect(await store.open()).toEqual([]);
    for (const run of [RUN, OTHER]) await store.create(run, 'claim', 'x');
    await store.create(RUN, 'report', 'x');
    expect(await store.open()).toEqual([RUN, OTHER]);
    await store.create(RUN, 'sent', 'x');
    expect(await store.open()).toEqual([OTHER]);
    await store.forget(OTHER);
    expect(await store.open()).toEqual([]);
    expect(await store.create(OTHER, 'claim', 'again')).toBe(true);
  });
});

describe('a run store in files', () => {
  it('is its owner’s alone, and found again by another one of the same folder', async () => {
    const at = join(folder, 'mine');
    await fileRunStore(at).create(RUN, 'claim', 'x');
    expect((await stat(at)).mode & 0o077).toBe(0);
    expect((await stat(join(at, `${RUN}.claim.json`))).mode & 0o077).toBe(0);
    expect(await fileRunStore(at).open()).toEqual([RUN]);
  });

  it('fails where it cannot read or write, and does not say that nothing was there', async () => {
    const at = join(folder, 'a-file');
    await writeFile(at, '');
    await chmod(at, 0o600);
    await expect(fileRunStore(at).create(RUN, 'claim', 'x')).rejects.toThrow();
    await expect(fileRunStore(at).read(RUN, 'claim')).rejects.toThrow();
  });
});
