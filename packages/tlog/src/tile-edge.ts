import { CompactRange } from './compact-range.ts';
import { formatEntryBundle } from './entry-bundle.ts';
import { TlogError } from './error.ts';
import { HASH_SIZE_BYTES, hashLeaf } from './hash.ts';
import {
  TILE_WIDTH,
  formatTilePath,
  hashTileBytes,
  levelOfTiles,
  partialTilesOfTree,
  type Tile,
} from './tile.ts';

/** A tile or an entry bundle as it is served. */
export interface TileFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * What must be kept of a log to go on writing its tiles: at each level the hashes that fill no tile yet, and the
 * entries that fill no bundle.
 */
export class TileEdge {
  readonly #range: CompactRange;
  /** Of each level, the hashes right of its last full tile. */
  readonly #levels: Uint8Array[][];
  #entries: Uint8Array[] = [];

  private constructor(range: CompactRange, levels: Uint8Array[][]) {
    this.#range = range;
    this.#levels = levels;
  }

  static empty(): TileEdge {
    return new TileEdge(CompactRange.empty(), []);
  }

  /**
   * Takes a log up where its last full entry bundle ends, from the partial tiles that its tree of that size has.
   *
   * @throws TlogError `RANGE_STATE` for another size, or a tile of another length
   */
  static restore(size: number, bytesOf: (tile: Tile) => Uint8Array): TileEdge {
    if (size % TILE_WIDTH !== 0) {
      throw new TlogError('RANGE_STATE', `size: expected a multiple of ${TILE_WIDTH}, got ${size}`);
    }
    const levels: Uint8Array[][] = [];
    for (const tile of partialTilesOfTree(size)) {
      while (levels.length <= tile.level) levels.push([]);
      levels[tile.level] = hashesIn(bytesOf(tile), tile.width);
    }
    // The largest subtrees are those of the highest level, and within it those on the left.
    const hashes = [...levels].reverse().flatMap((level) => subtreesOf(level));
    return new TileEdge(CompactRange.restore(size, hashes), levels);
  }

  get size(): number {
    return this.#range.size;
  }

  root(): Uint8Array {
    return this.#range.root();
  }

  /** Adds an entry. Returns the tiles and the bundle that it fills. @throws TlogError `ENTRY_BUNDLE` for one that is too long */
  append(entry: Uint8Array): TileFile[] {
    const files: TileFile[] = [];
    this.#entries.push(entry);
    if (this.#entries.length === TILE_WIDTH) {
      files.push(bundleFile(Math.floor(this.size / TILE_WIDTH), this.#entries));
      this.#entries = [];
    }
    for (const { level: height, index, hash } of this.#range.append(hashLeaf(entry))) {
      const level = levelOfTiles(height);
      if (level === undefined) continue;
      const hashes = (this.#levels[level] ??= []);
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) continue;
      files.push(tileFile(level, Math.floor(index / TILE_WIDTH), hashes));
      this.#levels[level] = [];
    }
    return files;
  }

  /** The partial tiles and the partial bundle of the tree as it stands. */
  partial(): TileFile[] {
    const files = partialTilesOfTree(this.size).map(({ level, index }) =>
      tileFile(level, index, this.#levels[level] ?? []),
    );
    if (this.#entries.length === 0) return files;
    return [...files, bundleFile(Math.floor(this.size / TILE_WIDTH), this.#entries)];
  }
}

function tileFile(level: number, index: number, hashes: readonly Uint8Array[]): TileFile {
  const tile = { level, index, width: hashes.length };
  const bytes = hashTileBytes(tile, (_, at) => hashes[at % TILE_WIDTH] ?? new Uint8Array());
  return { path: formatTilePath(tile), bytes };
}

function bundleFile(index: number, entries: readonly Uint8Array[]): TileFile {
  const path = formatTilePath({ level: 'entries', index, width: entries.length });
  return { path, bytes: formatEntryBundle(entries) };
}

function hashesIn(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_SIZE_BYTES) {
    throw new TlogError(
      'RANGE_STATE',
      `tile: expected ${width * HASH_SIZE_BYTES} bytes, got ${bytes.length}`,
    );
  }
  return Array.from({ length: width }, (_, at) =>
    bytes.slice(at * HASH_SIZE_BYTES, (at + 1) * HASH_SIZE_BYTES),
  );
}

/** A tree folds hashes of any level as it folds leaves. */
function subtreesOf(hashes: readonly Uint8Array[]): readonly Uint8Array[] {
  const range = CompactRange.empty();
  for (const hash of hashes) range.append(hash);
  return range.hashes;
}
