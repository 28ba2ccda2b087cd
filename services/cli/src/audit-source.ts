import { join } from 'node:path';
import { AuditError, type TileSource } from '@countersign/audit';
import { fromUtf8 } from '@countersign/canonical';
import {
  TILE_WIDTH,
  TlogError,
  formatTilePath,
  parseCheckpoint,
  parseNote,
  parseTilePath,
  type Tile,
} from '@countersign/tlog';
import { readRegular } from './bounded-file.ts';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import { BUNDLE_BYTES_MAX, NOTE_BYTES_MAX } from './log-folder.ts';
import { sleepUnless } from './service.ts';

const TRIES = 4;
const AGAIN_AFTER_MS = 1_000;
const ANSWER_WITHIN_MS = 60_000;
/** Bundles that are fetched before they are asked for, each with its hash tile. */
const AHEAD = 3;

/** A log in a folder: schemas/formats/log-folder.md. */
export class FolderSource implements TileSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async checkpoint(): Promise<string> {
    const path = join(this.#path, 'checkpoint');
    const bytes = await fileAt(path, NOTE_BYTES_MAX);
    if (bytes !== undefined) return textOf(bytes);
    throw cliError('FILE_UNREADABLE', `${path}: expected the checkpoint of an exported log`);
  }

  async read(path: string): Promise<Uint8Array> {
    const bytes = await fileAt(join(this.#path, path), BUNDLE_BYTES_MAX);
    if (bytes !== undefined) return bytes;
    throw new AuditError('TILE_MISSING', `${path}: expected this tile of the checkpoint`);
  }
}

async function fileAt(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  try {
    return await readRegular(path, bytesMax);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (!isSystemError(error, 'EACCES', 'EISDIR')) throw error;
    throw cliError('FILE_UNREADABLE', `expected to be allowed to read ${path}`, { cause: error });
  }
}

export interface HttpSourceOptions {
  /** What tiles are below; a bare address is that of a ledger. */
  readonly url: string;
  readonly token?: string;
  readonly interrupted: AbortSignal;
}

/** A log over HTTP, c2sp.org/tlog-tiles. What does not answer is asked again for a while. */
export class HttpSource implements TileSource {
  readonly #base: string;
  readonly #options: HttpSourceOptions;

  constructor(options: HttpSourceOptions) {
    this.#options = options;
    const { origin, pathname } = new URL(options.url);
    this.#base = `${origin}${pathname === '/' ? '/v1/log/tiles' : pathname.replace(/\/+$/, '')}`;
  }

  async checkpoint(): Promise<string> {
    const bytes = await this.#get('checkpoint', NOTE_BYTES_MAX);
    return textOf(bytes);
  }

  read(path: string): Promise<Uint8Array> {
    return this.#get(path, BUNDLE_BYTES_MAX);
  }

  async #get(path: string, bytesMax: number): Promise<Uint8Array> {
    const { interrupted } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(path, bytesMax);
      } catch (error) {
        if (interrupted.aborted) throw cliError('INTERRUPTED', 'interrupted', { cause: error });
        if (!(error instanceof Unanswered)) throw error;
        if (attempt === TRIES) throw unreachable(this.#base, error);
      }
      await sleepUnless(AGAIN_AFTER_MS * attempt, interrupted);
    }
  }

  async #once(path: string, bytesMax: number): Promise<Uint8Array> {
    const { token, interrupted } = this.#options;
    const url = `${this.#base}/${path}`;
    let answer: Response;
    try {
      answer = await fetch(url, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        redirect: 'error',
        signal: AbortSignal.any([interrupted, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      if (answer.ok) return await bodyOf(answer, bytesMax);
    } catch (error) {
      if (error instanceof AuditError) throw error;
      throw new Unanswered(url, { cause: error });
    }
    await answer.body?.cancel();
    if (answer.status === 404) {
      throw new AuditError('TILE_MISSING', `${path}: expected this tile of the checkpoint`);
    }
    if (answer.status === 401 || answer.status === 403) {
      const message = `${this.#base}: expected to be allowed to read the log`;
      throw new CliError('READ_SCOPE', message, { hint: 'give a read token with --read-token' });
    }
    throw new Unanswered(`${url}: status ${answer.status}`);
  }
}

class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

function unreachable(base: string, cause: unknown): CliError {
  return new CliError('LEDGER_UNREACHABLE', `${base}: expected an answer`, {
    cause,
    hint: 'run it again: it goes on from what was checked',
  });
}

async function bodyOf(answer: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of answer.body ?? []) {
    const bytes = chunk as Uint8Array;
    total += bytes.length;
    if (total > bytesMax) {
      throw new AuditError('TILE_MISMATCH', `expected at most ${bytesMax} bytes of a tile`);
    }
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    throw new AuditError('CHECKPOINT_INVALID', 'checkpoint: expected text', { cause: error });
  }
}

/** Fetches the next bundles while the ones before are being checked. */
export class ReadAhead implements TileSource {
  readonly #source: TileSource;
  readonly #coming = new Map<string, Promise<Uint8Array>>();
  #size = 0;

  constructor(source: TileSource) {
    this.#source = source;
  }

  async checkpoint(): Promise<string> {
    const note = await this.#source.checkpoint();
    this.#coming.clear();
    this.#size = sizeIn(note);
    return note;
  }

  read(path: string): Promise<Uint8Array> {
    const coming = this.#coming.get(path) ?? this.#source.read(path);
    this.#coming.delete(path);
    const { level, index } = parseTilePath(path);
    if (level === 'entries') {
      for (let next = index + 1; next <= index + AHEAD; next += 1) this.#fetch(next);
    }
    return coming;
  }

  #fetch(index: number): void {
    const width = Math.min(TILE_WIDTH, this.#size - index * TILE_WIDTH);
    if (width <= 0) return;
    const tiles: Tile[] = [
      { level: 'entries', index, width },
      { level: 0, index, width },
    ];
    for (const path of tiles.map(formatTilePath)) {
      if (this.#coming.has(path)) continue;
      const coming = this.#source.read(path);
      // Told to whoever reads it; if nobody does, it was fetched in vain.
      coming.catch(() => undefined);
      this.#coming.set(path, coming);
    }
  }
}

function sizeIn(note: string): number {
  try {
    return parseCheckpoint(parseNote(note).text).size;
  } catch (error) {
    // The audit refuses it.
    if (error instanceof TlogError) return 0;
    throw error;
  }
}
