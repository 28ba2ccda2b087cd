import {
  CompactRange,
  TILE_HEIGHT,
  TILE_WIDTH,
  TlogError,
  consistencyProof,
  formatTilePath,
  verifyConsistency,
} from '@countersign/tlog';
import type { TileSource } from './tile-source.ts';

const HASH_BYTES = 32;

/** The nodes of a tree out of the tiles that are served of it, checked against nothing. */
export class ServedTree {
  readonly #source: TileSource;
  readonly #size: number;

  constructor(source: TileSource, size: number) {
    this.#source = source;
    this.#size = size;
  }

  /** The hashes of a tile of this tree; undefined for one of another length. */
  async tile(level: number, index: number): Promise<readonly Uint8Array[] | undefined> {
    const hashes = Math.floor(this.#size / TILE_WIDTH ** level) - index * TILE_WIDTH;
    const width = Math.min(hashes, TILE_WIDTH);
    const bytes = await this.#source.read(formatTilePath({ level, index, width }));
    if (bytes.length !== width * HASH_BYTES) return undefined;
    return Array.from({ length: width }, (_, at) =>
      bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
    );
  }

  /** The root that its tiles tell of its first `size` leaves; undefined when they are not all there. */
  async rootAt(size: number): Promise<Uint8Array | undefined> {
    const hashes: Uint8Array[] = [];
    let start = 0;
    for (let height = Math.floor(Math.log2(size || 1)) + 1; height >= 0; height -= 1) {
      const width = 2 ** height;
      if (Math.floor(size / width) % 2 === 0) continue;
      const hash = await this.#node(height, start / width);
      if (hash === undefined) return undefined;
      hashes.push(hash);
      start += width;
    }
    return CompactRange.restore(size, hashes).root();
  }

  /** Whether its tiles prove that the tree of this root begins with the one of that root. */
  async proves(from: { size: number; root: Uint8Array }, root: Uint8Array): Promise<boolean> {
    const asked = new Map<string, Uint8Array | undefined>();
    const key = (level: number, index: number): string => `${level}/${index}`;
    const to = this.#size;
    consistencyProof(from.size, to, (level, index) => {
      asked.set(key(level, index), undefined);
      return new Uint8Array(HASH_BYTES);
    });
    for (const name of asked.keys()) {
      const [level = 0, index = 0] = name.split('/').map(Number);
      asked.set(name, await this.#node(level, index));
    }
    const proof = consistencyProof(
      from.size,
      to,
      (level, index) => asked.get(key(level, index)) ?? new Uint8Array(HASH_BYTES),
    );
    try {
      verifyConsistency({ from: from.size, to, fromRoot: from.root, toRoot: root, proof });
      return true;
    } catch (error) {
      if (error instanceof TlogError) return false;
      throw error;
    }
  }

  async #node(height: number, index: number): Promise<Uint8Array | undefined> {
    const level = Math.floor(height / TILE_HEIGHT);
    const width = 2 ** (height % TILE_HEIGHT);
    const start = index * width;
    const hashes = await this.tile(level, Math.floor(start / TILE_WIDTH));
    const own = hashes?.slice(start % TILE_WIDTH, (start % TILE_WIDTH) + width);
    return own?.length === width ? rootOf(own) : undefined;
  }
}

/** A tree folds hashes of any level as it folds leaves. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const range = CompactRange.empty();
  for (const hash of hashes) range.append(hash);
  return range.root();
}
