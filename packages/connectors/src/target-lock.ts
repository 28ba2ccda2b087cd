import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, SqliteError, type Database } from '@countersign/sqlite';
import { makePrivateFolder } from '@countersign/durable-file';
import { ConnectorError } from './connector-error.ts';

/** "CSTL": the file holds nothing, and only its lock is of use. */
const APPLICATION_ID = 0x4353544c;
const TRIES_MAX = 40;
const TRY_MS = 250;

/**
 * One executor at a time for each target, of all processes that share the folder: for targets that have no conditional
 * write. The system lets go of the lock when a process ends, however it ends.
 *
 * @throws {ConnectorError} TARGET_BUSY after ten seconds
 */
export async function withTargetLock<T>(
  at: { readonly folder: string; readonly targetRef: string },
  work: () => Promise<T>,
): Promise<T> {
  await makePrivateFolder(at.folder);
  const name = createHash('sha256').update(at.targetRef).digest('hex');
  const lock = await held(join(at.folder, `${name}.lock`));
  try {
    return await work();
  } finally {
    await lock.close();
  }
}

async function held(path: string): Promise<Database> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await openDatabase({
        path,
        applicationId: APPLICATION_ID,
        userVersion: 1,
        schema: ['CREATE TABLE held (at INTEGER) STRICT'],
      });
    } catch (error) {
      if (!(error instanceof SqliteError) || error.code !== 'BUSY') throw error;
      if (tries === TRIES_MAX) {
        const options = { cause: error };
        throw new ConnectorError('TARGET_BUSY', 'expected the target to be free', options);
      }
    }
    await sleep(TRY_MS);
  }
}
