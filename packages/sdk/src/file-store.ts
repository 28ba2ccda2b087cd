import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createDurably,
  isSystemError,
  makePrivateFolder,
  syncFolder,
} from '@countersign/durable-file';
import { SqliteError } from '@countersign/sqlite';
import { lockFile } from './file-lock.ts';
import { type RunPart, type RunStore } from './run-store.ts';

export { lockFile, type FileLock } from './file-lock.ts';

const CLAIM_FILE = /^([0-9A-Z]{26}\.[a-z0-9-]{1,32})\.claim\.json$/;

/**
 * A run store in a folder of its own, readable by its owner only: one file a part, as schemas/formats/run-record.md says.
 * The records hold digests and ids, no content. Several processes of one machine may share the folder; a network file
 * system may not keep the promises that it needs.
 *
 * Crash story: a part has its name only once it is whole on the disk, and that is so before `create` resolves. If we stop while
 * one is written, it is not there, and nothing that it stands before was done.
 */
export function fileRunStore(folder: string): RunStore {
  const at = (run: string, part: RunPart): string => join(folder, `${run}.${part}.json`);
  return {
    async lock(run) {
      await makePrivateFolder(folder);
      try {
        return await lockFile(join(folder, `${run}.lock`));
      } catch (error) {
        if (error instanceof SqliteError && error.code === 'BUSY') return undefined;
        throw error;
      }
    },
    async create(run, part, text) {
      await makePrivateFolder(folder);
      return createDurably(at(run, part), text);
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

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
