import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { GivenHead, TileSource } from '@countersign/audit';
import { TILE_WIDTH, parseTilePath, type TileFile } from '@countersign/tlog';
import type { Trust } from '@countersign/verify';
import { FolderSource } from './audit-source.ts';
import { isSystemError } from './cli-error.ts';
import { LogFolder } from './log-folder.ts';

/**
 * A log folder that an audit fills with what it has checked, and reads again what it holds already.
 *
 * Crash story: a tile is written whole once its hashes hold, and the checkpoint after all of its tiles. Stopping anywhere leaves a
 * folder that the next run goes on with; a tile that was damaged since is found by its hash.
 */
export class AuditMirror implements TileSource {
  readonly #folder: LogFolder;
  readonly #held: FolderSource;
  readonly #log: TileSource;
  #head: GivenHead | undefined;

  private constructor(folder: LogFolder, log: TileSource) {
    this.#folder = folder;
    this.#held = new FolderSource(folder.path);
    this.#log = log;
  }

  /** @throws CliError DATA_FOREIGN, FOREIGN_LEDGER, DATA_DAMAGED */
  static async open(path: string, log: TileSource, trust: Trust): Promise<AuditMirror> {
    const folder = await LogFolder.open(path, trust);
    const [key] = trust.logKeys;
    // First of all: a folder without a key is nobody's. Which one has signed is written at the end.
    if (folder.head === undefined && key !== undefined) await folder.writeKey(key.vkey);
    return new AuditMirror(folder, log);
  }

  checkpoint(): Promise<string> {
    return this.#log.checkpoint();
  }

  async read(path: string): Promise<Uint8Array> {
    // A full tile never changes; partial ones come from the log, which has to have them.
    return (await this.#holds(path)) ? this.#held.read(path) : this.#log.read(path);
  }

  async keep(files: readonly TileFile[]): Promise<void> {
    for (const file of files) {
      if (!(await this.#holds(file.path))) await this.#folder.writeTile(file);
    }
  }

  noteHead(head: GivenHead): void {
    this.#head = head;
  }

  /** The log was checked to its end. */
  async end(signedBy: string): Promise<void> {
    if (this.#head === undefined) return;
    await this.#folder.writeKey(signedBy);
    await this.#folder.writeCheckpoint(this.#head.note, this.#head.size);
  }

  async #holds(path: string): Promise<boolean> {
    if (parseTilePath(path).width !== TILE_WIDTH) return false;
    try {
      await access(join(this.#folder.path, path));
      return true;
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false;
      throw error;
    }
  }
}
