import { describe, expect, it } from 'vitest';
import {
  partialTilesOfTree,
  MemoryTree,
  TileEdge,
  formatEntryBundle,
  formatTilePath,
  hashLeaf,
  hashTileBytes,
  tilesOfTree,
} from '../src/index.ts';
import type { Tile, TileFile } from '../src/index.ts';
import { refusalOf } from './refusal.ts';
import { entryAt } from './vectors.ts';

const tree = new MemoryTree();

function grow(size: number): void {
  while (tree.size < size) tree.append(hashLeaf(entryAt(tree.size)));
}

function bytesOf(tile: Tile): Uint8Array {
  if (tile.level !== 'entries') return hashTileBytes(tile, tree.node);
  return formatEntryBundle(
    Array.from({ length: tile.width }, (_, at) => entryAt(tile.index * 256 + at)),
  );
}

/** What there is of a tree, by path. */
function whole(size: number): Map<string, Uint8Array> {
  return new Map([...tilesOfTree(size)].map((tile) => [formatTilePath(tile), bytesOf(tile)]));
}

function append(edge: TileEdge, to: number): TileFile[] {
  const files: TileFile[] = [];
  while (edge.size < to) files.push(...edge.append(entryAt(edge.size)));
  return files;
}

function byPath(files: readonly TileFile[]): Map<string, Uint8Array> {
  return new Map(files.map(({ path, bytes }) => [path, bytes]));
}

function hex(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const texts = [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('hex')]);
  return Object.fromEntries(texts) as Record<string, string>;
}

describe('the edge of the tiles of a log', () => {
  it.each([0, 1, 255, 256, 257, 511, 512, 70_000])(
    'writes each tile and bundle of a tree of %d, and nothing else',
    (size) => {
      grow(size);
      const edge = TileEdge.empty();
      const files = byPath([...append(edge, size), ...edge.partial()]);
      expect(hex(files)).toEqual(hex(whole(size)));
      expect(edge.root()).toEqual(tree.root(size));
    },
  );

  it.each([
    [256, 300],
    [65_536, 65_537],
    [69_888, 70_000],
  ])('goes on from %d to %d as if it had never stopped', (from, to) => {
    grow(to);
    const read: Tile[] = [];
    const edge = TileEdge.restore(from, (tile) => {
      read.push(tile);
      return bytesOf(tile);
    });
    expect(edge.root()).toEqual(tree.root(from));
    expect(read.every((tile) => whole(from).has(formatTilePath(tile)))).toBe(true);
    const files = byPath([...append(edge, to), ...edge.partial()]);
    expect(edge.root()).toEqual(tree.root(to));
    expect(hex(new Map([...whole(from), ...files]))).toMatchObject(hex(whole(to)));
    for (const path of files.keys()) expect(whole(to).has(path)).toBe(true);
  });

  it('is taken up at the end of a bundle only, and from whole tiles', () => {
    expect(refusalOf(() => TileEdge.restore(257, bytesOf))).toBe('RANGE_STATE');
    expect(refusalOf(() => TileEdge.restore(256, () => new Uint8Array(31)))).toBe('RANGE_STATE');
    expect(refusalOf(() => partialTilesOfTree(-1))).toBe('PROOF_INDEX');
  });
});
