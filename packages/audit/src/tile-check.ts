import { equalBytes, toHex } from '@countersign/canonical';
import {
  TILE_WIDTH,
  TileEdge,
  formatTilePath,
  hashLeaf,
  parseEntryBundle,
  parseTilePath,
  type TileFile,
} from '@countersign/tlog';
import { AuditError } from './audit-error.ts';
import type { LoggedEntry } from './log-replay.ts';
import { ServedTree, rootOf } from './served-tree.ts';
import type { TileSource } from './tile-source.ts';

const HASH_BYTES = 32;
const LENGTH_BYTES = 2;

/** Entries of one bundle whose hashes hold, and the files that they have filled. */
export interface CheckedBundle {
  readonly entries: readonly LoggedEntry[];
  readonly files: readonly TileFile[];
}

/** Checks each bundle of a tree against its hash tile, and each hash tile against what is below it. */
export class TileCheck {
  readonly #source: TileSource;
  readonly #tree: ServedTree;
  readonly #size: number;
  readonly #root: Uint8Array;
  /** The tree as far as it was read. */
  readonly edge: TileEdge;

  constructor(
    source: TileSource,
    head: { readonly size: number; readonly root: Uint8Array },
    edge: TileEdge,
  ) {
    this.#source = source;
    this.#size = head.size;
    this.#root = head.root;
    this.#tree = new ServedTree(source, head.size);
    this.edge = edge;
  }

  /** The next entries, of one bundle; `onAppend` sees the tree after each of them. @throws AuditError */
  async next(onAppend: (edge: TileEdge) => void): Promise<CheckedBundle> {
    const known = this.edge.size % TILE_WIDTH;
    const index = Math.floor(this.edge.size / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, this.#size - index * TILE_WIDTH);
    const path = formatTilePath({ level: 'entries', index, width });
    const [bundle, tile] = await Promise.all([
      this.#source.read(path),
      this.#source.read(formatTilePath({ level: 0, index, width })),
    ]);
    const bad = firstBad(bundle, tile, width);
    if (bad !== undefined) throw await this.#blame(index, bad);
    const entries: LoggedEntry[] = [];
    const files: TileFile[] = [];
    for (const bytes of parseEntryBundle(bundle, width).slice(known)) {
      const leafHash = hashLeaf(bytes);
      entries.push({ index: this.edge.size, bytes, leafHash, leaf: `sha256:${toHex(leafHash)}` });
      files.push(...this.edge.append(bytes));
      onAppend(this.edge);
    }
    for (const file of files) await this.#compare(file);
    return { entries, files };
  }

  /** The partial tiles at the right edge, and the root. @throws AuditError TILE_MISMATCH, ROOT_MISMATCH */
  async end(): Promise<readonly TileFile[]> {
    const files = this.edge.partial();
    for (const file of files) await this.#compare(file);
    if (equalBytes(this.edge.root(), this.#root)) return files;
    throw new AuditError(
      'ROOT_MISMATCH',
      `expected the ${this.#size} entries under the root that is signed`,
    );
  }

  /** Bundles and the tiles right above them were compared entry by entry. */
  async #compare({ path, bytes }: TileFile): Promise<void> {
    const { level, index } = parseTilePath(path);
    if (level === 'entries' || level === 0) return;
    const served = await this.#source.read(path);
    if (equalBytes(served, bytes)) return;
    const differs = bytes.findIndex((byte, at) => served[at] !== byte);
    const hash = Math.floor(Math.max(differs, 0) / HASH_BYTES);
    const first = (index * TILE_WIDTH + hash) * TILE_WIDTH ** level;
    throw new AuditError('TILE_MISMATCH', `${path}: expected what the tiles below it come to`, {
      index: first,
    });
  }

  /** An entry and its hash do not agree: the tile above, or the root, tells which of them is the wrong one. */
  async #blame(bundle: number, position: number): Promise<AuditError> {
    const index = bundle * TILE_WIDTH + position;
    const isTileRight = await this.#isTileRight(bundle);
    return isTileRight
      ? new AuditError('BUNDLE_MISMATCH', `entry ${index}: expected the entry that is hashed`, {
          index,
        })
      : new AuditError('TILE_MISMATCH', `entry ${index}: expected the hash of the entry`, {
          index,
        });
  }

  async #isTileRight(bundle: number): Promise<boolean> {
    const hashes = await this.#tree.tile(0, bundle);
    if (hashes?.length !== TILE_WIDTH) {
      const root = await this.#tree.rootAt(this.#size);
      return root !== undefined && equalBytes(root, this.#root);
    }
    const above = await this.#tree.tile(1, Math.floor(bundle / TILE_WIDTH));
    const told = above?.[bundle % TILE_WIDTH];
    return told !== undefined && equalBytes(rootOf(hashes), told);
  }
}

/** Position of the first entry that is not the one which is hashed; undefined when all are. */
function firstBad(bundle: Uint8Array, tile: Uint8Array, width: number): number | undefined {
  let at = 0;
  for (let position = 0; position < width; position += 1) {
    const [high = 0, low = 0] = bundle.subarray(at, at + LENGTH_BYTES);
    const start = at + LENGTH_BYTES;
    at = start + high * 256 + low;
    const told = tile.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
    if (at > bundle.length || told.length !== HASH_BYTES) return position;
    if (!equalBytes(hashLeaf(bundle.subarray(start, at)), told)) return position;
  }
  return at === bundle.length && tile.length === width * HASH_BYTES ? undefined : width - 1;
}
