import { TlogError } from './error.ts';
import { HASH_SIZE_BYTES, assertHash } from './hash.ts';
import { isPosition, parsePosition } from './position.ts';
import type { NodeReader } from './tree-node.ts';

/** c2sp.org/tlog-tiles: a tile is a subtree of height 8. */
export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;

/** A static resource that holds a run of a tree's hashes at one level, or of its entries. */
export interface Tile {
  /** Of hashes: how many times 256 leaves are folded into each. */
  readonly level: number | 'entries';
  /** Counted in full tiles, from the left. */
  readonly index: number;
  /** 256, or fewer at the right edge of a tree. */
  readonly width: number;
}

const PATH = /^tile\/(entries|[0-9]+)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]+))?$/;

/**
 * Writes the path of a tile or entry bundle, below the log's prefix.
 *
 * @throws TlogError `TILE_PATH` for a tile that no tree can have
 * @example formatTilePath({ level: 1, index: 1234067, width: 17 }); // tile/1/x001/x234/067.p/17
 */
export function formatTilePath(tile: Tile): string {
  assertTile(tile);
  const digits = String(tile.index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  // Every group but the last begins with an x: no file can have the name of a folder.
  const groups = padded.replaceAll(/[0-9]{3}(?=[0-9])/g, 'x$&/');
  const suffix = tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`;
  return `tile/${tile.level}/${groups}${suffix}`;
}

/**
 * Reads such a path. Each tile has one path only: whatever would be written otherwise is refused.
 *
 * @throws TlogError `TILE_PATH`
 */
export function parseTilePath(path: string): Tile {
  const [, level, groups, suffix] = PATH.exec(path) ?? [];
  if (level === undefined || groups === undefined) {
    throw refused('expected tile/LEVEL/INDEX or tile/entries/INDEX');
  }
  const tile = {
    level: level === 'entries' ? level : Number(level),
    index: parsePosition(groups.replaceAll(/[x/]/g, '').replace(/^0+(?=[0-9])/, '')) ?? Infinity,
    width: suffix === undefined ? TILE_WIDTH : Number(suffix),
  } as const;
  if (formatTilePath(tile) !== path) throw refused('expected the one spelling of this path');
  return tile;
}

/**
 * Every tile and entry bundle of a tree of this size, from the left, each bundle after its level 0 tile.
 * A partial one is the last of its level. An empty one is no tile, so an empty tree has none.
 *
 * @throws TlogError `PROOF_INDEX` for a size that no tree has
 */
export function* tilesOfTree(size: number): Generator<Tile, void> {
  assertSize(size);
  let hashes = size;
  for (let level = 0; hashes > 0; level += 1) {
    const full = Math.floor(hashes / TILE_WIDTH);
    for (let index = 0; index * TILE_WIDTH < hashes; index += 1) {
      const width = index < full ? TILE_WIDTH : hashes % TILE_WIDTH;
      yield { level, index, width };
      if (level === 0) yield { level: 'entries', index, width };
    }
    hashes = full;
  }
}

/**
 * The partial hash tiles of a tree: at most one a level.
 *
 * @throws TlogError `PROOF_INDEX` for a size that no tree has
 */
export function partialTilesOfTree(size: number): (Tile & { readonly level: number })[] {
  assertSize(size);
  const tiles: (Tile & { readonly level: number })[] = [];
  let hashes = size;
  for (let level = 0; hashes > 0; level += 1) {
    const index = Math.floor(hashes / TILE_WIDTH);
    const width = hashes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index, width });
    hashes = index;
  }
  return tiles;
}

/**
 * Whether this tile is one of a tree of that size, with exactly this width.
 *
 * @throws TlogError `PROOF_INDEX` for a size that no tree has
 */
export function isTileOfTree(tile: Tile, size: number): boolean {
  assertSize(size);
  if (!isTile(tile)) return false;
  const level = tile.level === 'entries' ? 0 : tile.level;
  const hashes = Math.floor(size / TILE_WIDTH ** level) - tile.index * TILE_WIDTH;
  return Math.min(hashes, TILE_WIDTH) === tile.width;
}

/**
 * The bytes of a hash tile: its hashes, one after another.
 *
 * @throws TlogError `TILE_PATH` for a tile that no tree can have and for a bundle, `PROOF_LENGTH` for a node
 * that is not 32 bytes; whatever the reader throws, as it MUST for a node that its tree does not have.
 */
export function hashTileBytes(tile: Tile, reader: NodeReader): Uint8Array {
  assertTile(tile);
  if (tile.level === 'entries') throw refused('expected a hash tile, got an entry bundle');
  const bytes = new Uint8Array(tile.width * HASH_SIZE_BYTES);
  for (let at = 0; at < tile.width; at += 1) {
    const hash = reader(tile.level * TILE_HEIGHT, tile.index * TILE_WIDTH + at);
    assertHash(hash, 'node');
    bytes.set(hash, at * HASH_SIZE_BYTES);
  }
  return bytes;
}

/** The level of the tiles that hold nodes of this height; undefined where none do. */
export function levelOfTiles(height: number): number | undefined {
  return height % TILE_HEIGHT === 0 ? height / TILE_HEIGHT : undefined;
}

function isTile({ level, index, width }: Tile): boolean {
  const isLevel = level === 'entries' || isPosition(level);
  if (!isLevel || !isPosition(index) || !isPosition(width)) return false;
  if (width === 0 || width > TILE_WIDTH) return false;
  const sizeAtLeast =
    (index * TILE_WIDTH + width) * TILE_WIDTH ** (level === 'entries' ? 0 : level);
  // The largest tree ends every level, and the levels themselves: 256^7 leaves are more than it has.
  return isPosition(sizeAtLeast);
}

function assertTile(tile: Tile): void {
  if (!isTile(tile)) throw refused('expected level, index and width of some tree up to 2^53-1');
}

function assertSize(size: number): void {
  if (!isPosition(size)) {
    throw new TlogError('PROOF_INDEX', `size: expected 0 to 2^53-1, got ${size}`);
  }
}

function refused(why: string): TlogError {
  return new TlogError('TILE_PATH', `tile: ${why}`);
}
