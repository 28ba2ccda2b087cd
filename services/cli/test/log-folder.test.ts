import { readdir } from 'node:fs/promises';
import { utf8 } from '@countersign/canonical';
import { formatCheckpoint, parseVerifierKey, signNote } from '@countersign/tlog';
import type { Trust } from '@countersign/verify';
import { describe, expect, it } from 'vitest';
import { noteSigner } from '../../../test/support/note-key.ts';
import { LogFolder } from '../src/log-folder.ts';
import { scratchFolder } from './scratch-folder.ts';

const ORIGIN = 'ledger.test/1';
const log = noteSigner(ORIGIN);
const TRUST = { origin: ORIGIN, logKeys: [parseVerifierKey(log.vkey)] } as unknown as Trust;

/** Goes on from what the folder holds to a log of this size, as an export does. */
async function grow(path: string, size: number): Promise<void> {
  const folder = await LogFolder.open(path, TRUST);
  await folder.writeKey(log.vkey);
  const edge = await folder.edge();
  while (edge.size < size) {
    for (const tile of edge.append(utf8(`entry ${edge.size}`))) await folder.writeTile(tile);
  }
  for (const tile of edge.partial()) await folder.writeTile(tile);
  const head = { origin: ORIGIN, size, root: edge.root() };
  await folder.writeCheckpoint(await signNote(formatCheckpoint(head), [log]), size);
}

async function tilesIn(path: string): Promise<string[]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found
    .filter((each) => each.isFile())
    .map((each) => `${each.parentPath}/${each.name}`.slice(path.length + 1))
    .filter((name) => name.startsWith('tile/'))
    .sort();
}

describe('partial tiles of a log folder', () => {
  it('stay while their tile is not full, and go once the head counts the full one', async () => {
    const path = await scratchFolder();
    await grow(path, 3);
    await grow(path, 250);
    expect(await tilesIn(path)).toEqual([
      ...['tile/0/000.p/250', 'tile/0/000.p/3'],
      ...['tile/entries/000.p/250', 'tile/entries/000.p/3'],
    ]);
    await grow(path, 600);
    const whole = await scratchFolder();
    await grow(whole, 600);
    expect(await tilesIn(path)).toEqual(await tilesIn(whole));
  });

  it('are collected on each level, and the folder goes on from what is left', async () => {
    const path = await scratchFolder();
    await grow(path, 512);
    await grow(path, 65_536);
    expect((await tilesIn(path)).filter((name) => name.includes('.p/'))).toEqual([
      'tile/2/000.p/1',
    ]);
    await grow(path, 65_537);
    expect((await tilesIn(path)).filter((name) => name.includes('.p/'))).toEqual([
      'tile/0/256.p/1',
      'tile/2/000.p/1',
      'tile/entries/256.p/1',
    ]);
  });
});
