import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fromUtf8 } from '@countersign/canonical';
import {
  TILE_WIDTH,
  TileEdge,
  TlogError,
  formatTilePath,
  isTileOfTree,
  openCheckpoint,
  parseVerifierKey,
  partialTilesOfTree,
  type OpenedCheckpoint,
  type Tile,
  type TileFile,
  type VerifySignature,
} from '@countersign/tlog';
import { verifySignature } from '@countersign/crypto-node';
import type { Trust } from '@countersign/verify';
import { readRegular } from './bounded-file.ts';
import { cliError, isSystemError } from './cli-error.ts';
import { writeWhole } from './data-folder.ts';

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;
/** Of a checkpoint, and of a tile with 256 entries of 65,535 bytes, each after its length. */
export const NOTE_BYTES_MAX = 1_000_000;
export const BUNDLE_BYTES_MAX: number = 256 * 65_537;
const TILE_BYTES_MAX = 8_192;
const VKEY = 'log.vkey';
const CHECKPOINT = 'checkpoint';

export type Head = OpenedCheckpoint;

/** A log as files that any web server can hand out: schemas/formats/log-folder.md. */
export class LogFolder {
  readonly path: string;
  /** The head that its tiles are those of; undefined before the first was written. */
  readonly head: Head | undefined;

  private constructor(path: string, head: Head | undefined) {
    this.path = path;
    this.head = head;
  }

  /**
   * Opens a folder that holds this log, or nothing.
   *
   * @throws CliError DATA_FOREIGN, FOREIGN_LEDGER, DATA_DAMAGED
   */
  static async open(path: string, { origin, logKeys }: Trust): Promise<LogFolder> {
    const vkey = await textOf(join(path, VKEY));
    if (vkey === undefined) {
      await assertEmpty(path);
      return new LogFolder(path, undefined);
    }
    const own = keyIn(vkey, join(path, VKEY));
    if (own.name !== origin) {
      const held = `${path}: expected the log ${origin}, got that of ${own.name}`;
      throw cliError('FOREIGN_LEDGER', held, { hint: 'choose another folder' });
    }
    const note = await textOf(join(path, CHECKPOINT));
    if (note === undefined) return new LogFolder(path, undefined);
    const isKnown = logKeys.some((key) => key.vkey === own.vkey);
    const verifiers = isKnown ? logKeys : [...logKeys, own];
    const head = await headIn(note, { origin, verifiers, verifySignature }, path);
    return new LogFolder(path, head);
  }

  /** Where its last full bundle ends. @throws CliError DATA_DAMAGED */
  async edge(): Promise<TileEdge> {
    const size = this.head?.size ?? 0;
    const start = size - (size % TILE_WIDTH);
    const files = new Map<string, Uint8Array>();
    for (const tile of partialTilesOfTree(start)) {
      const path = formatTilePath(tile);
      files.set(path, await this.#read(path));
    }
    try {
      return TileEdge.restore(start, (tile) => bytesIn(files, tile));
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      throw damaged(`${this.path}: ${error.message}`, error);
    }
  }

  async writeKey(vkey: string): Promise<void> {
    await this.#write(VKEY, `${vkey}\n`);
  }

  async writeTile({ path, bytes }: TileFile): Promise<void> {
    await this.#write(path, bytes);
  }

  /**
   * Last of all: whoever sees it finds every tile of it. Then the partial tiles go whose full ones it counts: the head of before
   * alone needed them. Stopping between leaves some that nobody reads.
   */
  async writeCheckpoint(note: string, size: number): Promise<void> {
    await this.#write(CHECKPOINT, note);
    for (const partial of collectable(this.head?.size ?? 0, size)) {
      await rm(join(this.path, partial), { recursive: true, force: true });
    }
  }

  /** Two heads that cannot be of one log, as they were signed: nothing else proves it afterwards. */
  async keepConflict(held: string, offered: string): Promise<string> {
    await this.#write('conflict/held.checkpoint', held);
    await this.#write('conflict/offered.checkpoint', offered);
    return join(this.path, 'conflict');
  }

  async #read(path: string): Promise<Uint8Array> {
    const bytes = await bytesOf(join(this.path, path), TILE_BYTES_MAX);
    if (bytes !== undefined) return bytes;
    throw damaged(`${join(this.path, path)}: expected this tile of the checkpoint`);
  }

  async #write(path: string, content: string | Uint8Array): Promise<void> {
    const whole = join(this.path, path);
    await mkdir(dirname(whole), { recursive: true, mode: FOLDER_MODE });
    await writeWhole(whole, content, FILE_MODE);
  }
}

/** Folders of the partial tiles and bundles at the edge of a tree that are full in a larger one. */
function collectable(from: number, to: number): string[] {
  const partial = partialTilesOfTree(from);
  const bundle = { level: 'entries', index: Math.floor(from / TILE_WIDTH) } as const;
  const full = partial
    .map(({ level, index }): Tile => ({ level, index, width: TILE_WIDTH }))
    .filter((tile) => isTileOfTree(tile, to));
  const entries: Tile = { ...bundle, width: TILE_WIDTH };
  const isFilled = from % TILE_WIDTH !== 0 && isTileOfTree(entries, to);
  return [...full, ...(isFilled ? [entries] : [])].map((tile) => `${formatTilePath(tile)}.p`);
}

async function assertEmpty(path: string): Promise<void> {
  try {
    // A temporary file is what a first export leaves that was stopped before its first step was done.
    const names = (await readdir(path)).filter((name) => !name.startsWith(`.${VKEY}.`));
    if (names.length === 0) return;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    if (!isSystemError(error, 'ENOTDIR')) throw error;
  }
  throw cliError(
    'DATA_FOREIGN',
    `${path}: expected an empty folder, or an exported log (with ${VKEY}); nothing was changed`,
    { hint: 'choose another folder' },
  );
}

function keyIn(text: string, path: string): ReturnType<typeof parseVerifierKey> {
  try {
    return parseVerifierKey(text.trimEnd());
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw damaged(`${path}: ${error.message}`, error);
  }
}

async function headIn(
  note: string,
  trust: {
    readonly origin: string;
    readonly verifiers: readonly ReturnType<typeof parseVerifierKey>[];
    readonly verifySignature: VerifySignature;
  },
  path: string,
): Promise<Head> {
  try {
    return await openCheckpoint(note, trust);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw damaged(`${join(path, CHECKPOINT)}: ${error.message}`, error);
  }
}

function bytesIn(files: ReadonlyMap<string, Uint8Array>, tile: Tile): Uint8Array {
  return files.get(formatTilePath(tile)) ?? new Uint8Array();
}

async function textOf(path: string): Promise<string | undefined> {
  const bytes = await bytesOf(path, NOTE_BYTES_MAX);
  if (bytes === undefined) return undefined;
  try {
    return fromUtf8(bytes);
  } catch (error) {
    throw damaged(`${path}: expected text`, error);
  }
}

async function bytesOf(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readRegular(path, maxBytes);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  throw damaged(`${path}: expected a file of at most ${maxBytes} bytes`);
}

function damaged(message: string, cause?: unknown): Error {
  return cliError('DATA_DAMAGED', message, {
    cause,
    hint: 'export into an empty folder, and compare the two checkpoints',
  });
}
