import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SqliteError } from '@countersign/sqlite';
import { lockFile } from './file-lock.ts';
import { type RunPart, type RunStore } from './run-store.ts';

export { lockFile, type FileLock } from './file-lock.ts';

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const CLAIM_FILE = /^([0-9A-Z]{26}\.[a-z0-9-]{1,32})\.claim\.json$/;

/**
 * A run store in a folder of its own, readable by its owner only: one file a part, as schemas/formats/run-record.md says.
 * The records hold digests and ids, no content. Several processes of one machine may share the folder; a network file
 * system may not keep the promises that it needs.
 *
 * Crash story: a file and its name are synced before `create` resolves. If we stop while one is written, it is there and
 * cannot be read: RECORD_DAMAGED, which is never taken for "nothing was started".
 */
export function fileRunStore(folder: string): RunStore {
  const at = (run: string, part: RunPart): string => join(folder, `${run}.${part}.json`);
  return {
    async lock(run) {
      await makeFolder(folder);
      try {
        return await lockFile(join(folder, `${run}.lock`));
      } catch (error) {
        if (error instanceof SqliteError && error.code === 'BUSY') return undefined;
        throw error;
      }
    },
    async create(run, part, text) {
      await makeFolder(folder);
      return createSynced(at(run, part), text);
    },
    read: (run, part) => unlessMissing(() => readFile(at(run, part), 'utf8')),
    async forget(run) {
      await rm(at(run, 'claim'), { force: true });
      await syncFolder(folder);
    },
    async open() {
      const names = (await unlessMissing(() => readdir(folder))) ?? [];
      const claimed = names.flatMap((name) => CLAIM_FILE.exec(name)?.[1] ?? []);
      return claimed.filter((run) => !names.includes(`${run}.sent.json`)).sort();
    },
  };
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
}

async function createSynced(path: string, text: string): Promise<boolean> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, flags, PRIVATE_FILE);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
  return true;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isSystemError(error: unknown, name: string): boolean {
  return error instanceof Error && 'code' in error && error.code === name;
}
