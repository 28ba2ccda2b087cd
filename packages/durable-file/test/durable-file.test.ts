import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDurably,
  isSystemError,
  makePrivateFolder,
  replaceDurably,
} from '@countersign/durable-file';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-'));
  path = join(folder, 'a.json');
});

afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

async function modeOf(at: string): Promise<number> {
  return (await stat(at)).mode & 0o777;
}

describe('a file that is made durably', () => {
  it('tells one of all who make it that it was the first, and leaves nothing else', async () => {
    const texts = ['a', 'b', 'c', 'd'];
    const made = await Promise.all(texts.map((text) => createDurably(path, text)));
    expect(made.filter((isFirst) => isFirst)).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toBe(texts[made.indexOf(true)]);
    expect(await createDurably(path, 'later')).toBe(false);
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('is for its owner only, unless it is said otherwise, and has the time that it is given', async () => {
    const modifiedAt = new Date('2026-11-23T00:00:00.000Z');
    await createDurably(path, 'a', { modifiedAt });
    expect(await modeOf(path)).toBe(0o600);
    expect((await stat(path)).mtime).toEqual(modifiedAt);
    await replaceDurably(path, Uint8Array.of(98), { mode: 0o644 });
    expect([await modeOf(path), await readFile(path, 'utf8')]).toEqual([0o644, 'b']);
    await makePrivateFolder(join(folder, 'in', 'it'));
    expect(await modeOf(join(folder, 'in', 'it'))).toBe(0o700);
  });

  it('is the old one or the new one for whoever reads it meanwhile', async () => {
    const texts = ['x', 'y'].map((letter) => letter.repeat(100_000));
    await createDurably(path, texts[0] ?? '');
    const over = new AbortController();
    const reading = (async () => {
      const seen = new Set<string>();
      while (!over.signal.aborted) seen.add(await readFile(path, 'utf8'));
      return seen;
    })();
    for (let i = 0; i < 20; i += 1) await replaceDurably(path, texts[i % 2] ?? '');
    over.abort();
    for (const text of await reading) expect(texts).toContain(text);
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('leaves no draft where it cannot have its name', async () => {
    await makePrivateFolder(path);
    await writeFile(join(path, 'in it'), '');
    const replaced = replaceDurably(path, 'a');
    await expect(replaced).rejects.toSatisfy((error) =>
      isSystemError(error, 'EISDIR', 'ENOTEMPTY'),
    );
    expect(await createDurably(path, 'a')).toBe(false);
    expect(await readdir(folder)).toEqual(['a.json']);
    const nowhere = createDurably(join(folder, 'none', 'a'), 'a');
    await expect(nowhere).rejects.toSatisfy((error) => isSystemError(error, 'ENOENT'));
  });
});
