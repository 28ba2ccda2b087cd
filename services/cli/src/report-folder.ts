import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { cliError, isSystemError } from './cli-error.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const SUMS = 'SHA256SUMS';

/** A file that grows, and is hashed as it does. */
export class GrowingFile {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(bytes: Uint8Array | string): Promise<void> {
    this.#hash.update(bytes);
    await this.#file.appendFile(bytes);
  }

  /** @returns its SHA-256, hex */
  async close(): Promise<string> {
    await this.#file.sync();
    await this.#file.close();
    return this.#hash.digest('hex');
  }
}

/**
 * The folder that a report is written into, readable by its owner only.
 *
 * Crash story: everything is written beside it, under a name of this process, and gets the name of the folder last. Stopping before leaves that other folder, which
 * nobody reads; a report is there whole or not at all.
 */
export class ReportFolder {
  readonly path: string;
  readonly #draft: string;
  readonly #sums: string[] = [];

  private constructor(path: string) {
    this.path = path;
    this.#draft = `${path}.${process.pid}.new`;
  }

  /** @throws CliError FILE_EXISTS, DIRECTORY_NOT_FOUND */
  static async create(path: string, folders: readonly string[]): Promise<ReportFolder> {
    await assertEmpty(path);
    const folder = new ReportFolder(path);
    await rm(folder.#draft, { recursive: true, force: true });
    try {
      await mkdir(folder.#draft, { mode: FOLDER_MODE });
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
      throw cliError('DIRECTORY_NOT_FOUND', `expected a folder at ${dirname(path)}`, {
        cause: error,
      });
    }
    for (const name of folders) await mkdir(join(folder.#draft, name), { mode: FOLDER_MODE });
    return folder;
  }

  /** @returns its SHA-256, hex */
  async write(name: string, bytes: Uint8Array | string): Promise<string> {
    const file = await this.grow(name);
    await file.append(bytes);
    return this.close(name, file);
  }

  async grow(name: string): Promise<GrowingFile> {
    return new GrowingFile(await open(join(this.#draft, name), 'wx', FILE_MODE));
  }

  async close(name: string, file: GrowingFile): Promise<string> {
    const sum = await file.close();
    this.#sums.push(`${sum}  ${name}\n`);
    return sum;
  }

  /** Moves what was drafted to the end of a file. */
  async moveInto(file: GrowingFile, draft: string): Promise<void> {
    const path = join(this.#draft, draft);
    for await (const chunk of createReadStream(path)) await file.append(chunk as Buffer);
    await rm(path);
  }

  async finish(): Promise<void> {
    const sums = await this.grow(SUMS);
    await sums.append([...this.#sums].sort((a, b) => (nameIn(a) < nameIn(b) ? -1 : 1)).join(''));
    await sums.close();
    await rename(this.#draft, this.path);
  }

  async discard(): Promise<void> {
    await rm(this.#draft, { recursive: true, force: true });
  }
}

function nameIn(sum: string): string {
  return sum.slice(sum.indexOf(' '));
}

async function assertEmpty(path: string): Promise<void> {
  try {
    if ((await readdir(path)).length === 0) return;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    if (!isSystemError(error, 'ENOTDIR')) throw error;
  }
  throw cliError('FILE_EXISTS', `expected no folder, or an empty one, at ${path}`);
}
