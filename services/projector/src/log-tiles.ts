import {
  formatEntryBundle,
  hashTileBytes,
  isTileOfTree,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
} from '@countersign/tlog';
import type { ReadModels } from '@countersign/store';
import { ProjectorError } from './projector-error.ts';

/** Tiles and entry bundles out of the stored entries and nodes, all of which a signed head covers. */
export class LogTiles {
  readonly #store: Pick<ReadModels, 'checkpoint' | 'entries' | 'nodes'>;

  constructor(store: Pick<ReadModels, 'checkpoint' | 'entries' | 'nodes'>) {
    this.#store = store;
  }

  /**
   * Undefined for a tile that no signed head has: no reader can have a head that needs it.
   */
  async bytesOf(tile: Tile): Promise<Uint8Array | undefined> {
    const hasHead = await this.#isOfHead(tile);
    if (!hasHead) return undefined;
    return tile.level === 'entries' ? this.#bundle(tile) : this.#hashes(tile, tile.level);
  }

  async #isOfHead(tile: Tile): Promise<boolean> {
    const height = tile.level === 'entries' ? 0 : tile.level;
    const sizeAtLeast = (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH ** height;
    // The first head that has so many entries: where that has grown beyond a partial tile, every later one has, too.
    const head = await this.#store.checkpoint(sizeAtLeast);
    return head !== undefined && isTileOfTree(tile, head.size);
  }

  async #bundle({ index, width }: Tile): Promise<Uint8Array> {
    const rows = await this.#store.entries(index * TILE_WIDTH, width);
    if (rows.at(-1)?.index !== index * TILE_WIDTH + width - 1) throw stale(`bundle ${index}`);
    return formatEntryBundle(rows.map(({ bytes }) => bytes));
  }

  async #hashes(tile: Tile, tileLevel: number): Promise<Uint8Array> {
    const level = tileLevel * TILE_HEIGHT;
    const places = Array.from({ length: tile.width }, (_, at) => ({
      level,
      index: tile.index * TILE_WIDTH + at,
    }));
    const rows = await this.#store.nodes(places);
    const hashes = new Map(rows.map((row) => [row.index, row.hash]));
    return hashTileBytes(tile, (_, index) => {
      const hash = hashes.get(index);
      if (hash === undefined) throw stale(`node ${level}/${index}`);
      return hash;
    });
  }
}

function stale(what: string): ProjectorError {
  return new ProjectorError('STORE_STALE', `expected ${what} in the store`);
}
