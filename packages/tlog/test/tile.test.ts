import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  MemoryTree,
  formatEntryBundle,
  formatTilePath,
  hashLeaf,
  hashTileBytes,
  isTileOfTree,
  parseTilePath,
  tilesOfTree,
} from '../src/index.ts';
import type { Tile } from '../src/index.ts';
import { refusalOf } from './refusal.ts';
import { entryAt, merkle, tiles, toBase64 } from './vectors.ts';

const tree = new MemoryTree();
const MAX = Number.MAX_SAFE_INTEGER;

beforeAll(() => {
  const sizeMax = Math.max(...tiles.trees.map(({ size }) => size));
  while (tree.size < sizeMax) tree.append(hashLeaf(entryAt(tree.size)));
});

function bytesOf(tile: Tile): Uint8Array {
  if (tile.level !== 'entries') return hashTileBytes(tile, tree.node);
  return formatEntryBundle(
    Array.from({ length: tile.width }, (_, at) => entryAt(tile.index * 256 + at)),
  );
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('paths of tiles', () => {
  it.each(tiles.paths)('are written and read: number $n', (vector) => {
    const { n: index } = vector;
    const expected: [string, Tile][] = [
      [vector.tile_level_0, { level: 0, index, width: 256 }],
      [vector.tile_level_1_width_17, { level: 1, index, width: 17 }],
      [vector.entries, { level: 'entries', index, width: 256 }],
    ];
    for (const [path, tile] of expected) {
      expect(formatTilePath(tile)).toBe(path);
      expect(parseTilePath(path)).toEqual(tile);
    }
  });

  it('come back as they went, for any tile that a tree can have', () => {
    const anyTile = fc.record({
      level: fc.oneof(fc.constant('entries' as const), fc.nat(3)),
      index: fc.oneof(fc.nat(2_000), fc.nat(2 ** 20)),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(anyTile, (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['a leading slash', '/tile/0/000'],
    ['a trailing slash', 'tile/0/000/'],
    ['a newline at the end', 'tile/0/000\n'],
    ['the checkpoint', 'checkpoint'],
    ['no number', 'tile/0'],
    ['a level with a leading zero', 'tile/00/000'],
    ['a level with a sign', 'tile/+0/000'],
    ['a level below zero', 'tile/-1/000'],
    ['a level that no tree reaches', 'tile/7/000'],
    ['a level that no number holds', `tile/${'9'.repeat(400)}/000`],
    ['bundles in upper case', 'tile/Entries/000'],
    ['a number of one digit', 'tile/0/0'],
    ['a number of four digits', 'tile/0/1000'],
    ['a group without its x', 'tile/0/001/000'],
    ['an x in the last group', 'tile/0/x001'],
    ['an X in upper case', 'tile/0/X001/000'],
    ['a surplus group of zeros', 'tile/0/x000/001'],
    ['a letter among the digits', 'tile/0/00a'],
    ['digits of another script', 'tile/0/00\u0661'],
    ['a width of a full tile', 'tile/0/000.p/256'],
    ['a width of zero', 'tile/0/000.p/0'],
    ['a width with a leading zero', 'tile/0/000.p/01'],
    ['no width after its mark', 'tile/0/000.p/'],
    ['a width twice', 'tile/0/000.p/1.p/1'],
    ['an encoded slash', 'tile/0%2f000'],
    ['a folder above', 'tile/0/../0/000'],
    ['a query', 'tile/0/000?'],
    ['a number above 2^53-1', 'tile/0/x009/x007/x199/x254/x740/992'],
    ['a number of ever more groups', `tile/0/x001/${'x000/'.repeat(200)}000`],
  ])('are read strictly: %s', (_why, path) => {
    expect(refusalOf(() => parseTilePath(path))).toBe('TILE_PATH');
  });

  it.each([
    ['a level below zero', { level: -1 }],
    ['half a level', { level: 0.5 }],
    ['a level that no tree reaches', { level: 7 }],
    ['a number below zero', { index: -1 }],
    ['no number', { index: Number.NaN }],
    ['no width', { width: 0 }],
    ['a width above 256', { width: 257 }],
    ['half a width', { width: 1.5 }],
    ['a number beyond any tree', { index: 2 ** 45 }],
    ['a number beyond any tree at its level', { level: 6, index: 0, width: 32 }],
  ])('are not written for %s', (_why, changes) => {
    const tile = { level: 0, index: 0, width: 1, ...changes };
    expect(refusalOf(() => formatTilePath(tile))).toBe('TILE_PATH');
    expect(refusalOf(() => hashTileBytes(tile, tree.node))).toBe('TILE_PATH');
    expect(isTileOfTree(tile, MAX)).toBe(false);
  });

  it('go to the last tile of the largest tree', () => {
    const last: Tile = { level: 0, index: 2 ** 45 - 1, width: 255 };
    expect(parseTilePath(formatTilePath(last))).toEqual(last);
    expect(isTileOfTree(last, MAX)).toBe(true);
    expect(refusalOf(() => formatTilePath({ ...last, width: 256 }))).toBe('TILE_PATH');
    expect(isTileOfTree({ level: 6, index: 0, width: 31 }, MAX)).toBe(true);
  });
});

describe('tiles of a tree', () => {
  it.each(tiles.trees)('are those of the vectors: size $size', (vector) => {
    const all = [...tilesOfTree(vector.size)];
    const byPath = new Map(all.map((tile) => [formatTilePath(tile), tile]));
    expect(byPath.size).toBe(all.length);
    expect(all.filter(({ level }) => level !== 'entries')).toHaveLength(vector.tiles_in_all);
    expect(toBase64(tree.root(vector.size))).toBe(vector.root);
    for (const { path, width, sha256, bytes: sizeBytes } of vector.resources) {
      const tile = byPath.get(path);
      if (tile === undefined) throw new Error(`no ${path}`);
      const bytes = bytesOf(tile);
      expect(tile.width, path).toBe(width);
      expect(sha256Hex(bytes), path).toBe(sha256);
      expect(bytes, path).toHaveLength(sizeBytes ?? width * 32);
    }
  });

  it('lead to its root', () => {
    const [tile] = tilesOfTree(7);
    if (tile === undefined) throw new Error('no tile');
    const bytes = hashTileBytes(tile, tree.node);
    const copy = new MemoryTree();
    for (let at = 0; at < 7; at += 1) copy.append(bytes.subarray(at * 32, at * 32 + 32));
    expect(toBase64(copy.root())).toBe(merkle.roots.find(({ size }) => size === 7)?.root);
  });

  it.each([0, 1, 255, 256, 257, 511, 512, 70_000])('are no others: size %d', (size) => {
    const paths = new Set([...tilesOfTree(size)].map(formatTilePath));
    for (const path of paths) expect(isTileOfTree(parseTilePath(path), size), path).toBe(true);
    for (const level of [0, 1, 2, 3, 'entries'] as const) {
      for (const index of [0, 1, 2, 255, 256, 272, 273, 274]) {
        for (const width of [1, 17, 111, 112, 113, 254, 255, 256]) {
          const tile = { level, index, width };
          expect(isTileOfTree(tile, size)).toBe(paths.has(formatTilePath(tile)));
        }
      }
    }
  });

  it('are told one by one, however large the tree is', () => {
    const [first, bundle] = tilesOfTree(MAX);
    expect(first).toEqual({ level: 0, index: 0, width: 256 });
    expect(bundle).toEqual({ level: 'entries', index: 0, width: 256 });
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('exist for no size %d', (size) => {
    expect(refusalOf(() => [...tilesOfTree(size)])).toBe('PROOF_INDEX');
    const tile = { level: 0, index: 0, width: 1 };
    expect(refusalOf(() => isTileOfTree(tile, size))).toBe('PROOF_INDEX');
  });
});

describe('bytes of a hash tile', () => {
  it('are those of the vector', () => {
    const { path, hex } = tiles.hash_tile_of_5;
    const bytes = hashTileBytes(parseTilePath(path), tree.node);
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  it('are never made up', () => {
    const beyond = { level: 0, index: Math.floor(tree.size / 256), width: 256 };
    expect(refusalOf(() => hashTileBytes(beyond, tree.node))).toBe('RANGE_STATE');
    const short = (): Uint8Array => new Uint8Array(31);
    const tile = { level: 0, index: 0, width: 1 };
    expect(refusalOf(() => hashTileBytes(tile, short))).toBe('PROOF_LENGTH');
  });

  it('are no entries', () => {
    const bundle = { level: 'entries', index: 0, width: 1 } as const;
    expect(refusalOf(() => hashTileBytes(bundle, tree.node))).toBe('TILE_PATH');
  });
});
