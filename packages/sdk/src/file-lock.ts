import { openDatabase } from '@countersign/sqlite';

/** Held by one process at a time. */
export interface FileLock {
  release(): Promise<void>;
}

/** "CSLK": the file holds nothing, and only its lock is of use. */
const APPLICATION_ID = 0x43534c4b;

/**
 * Keeps every other process away for as long as this one is at it. The system lets go of the lock when the process ends,
 * however it ends. The file stays: if it were removed, two processes could each hold one of its name.
 *
 * @throws SqliteError BUSY when another process has it; DISK_FULL, FOREIGN, CORRUPT, …
 */
export async function lockFile(path: string): Promise<FileLock> {
  const database = await openDatabase({
    path,
    applicationId: APPLICATION_ID,
    userVersion: 1,
    schema: ['CREATE TABLE held (at INTEGER) STRICT'],
  });
  return { release: () => database.close() };
}
