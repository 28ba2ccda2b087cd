import { lockFile, type FileLock } from '@countersign/sdk/file-store';
import { SqliteError } from '@countersign/sqlite';
import { CliError, cliError } from './cli-error.ts';

/**
 * Keeps every other process from one `exec` for as long as this one is at it.
 *
 * @throws CliError RESUME_BUSY, DISK_FULL, DATA_DAMAGED, DATA_UNREADABLE
 */
export async function lockRecord(path: string): Promise<FileLock> {
  try {
    return await lockFile(path);
  } catch (error) {
    if (error instanceof SqliteError) throw lockError(error, path);
    throw error;
  }
}

function lockError(error: SqliteError, path: string): CliError {
  const options = { cause: error };
  switch (error.code) {
    case 'BUSY':
      return cliError(
        'RESUME_BUSY',
        'another process is at this request: it waits, runs or reports; nothing was changed',
        options,
      );
    case 'DISK_FULL':
      return cliError('DISK_FULL', `no space left to write ${path}`, options);
    case 'CORRUPT':
    case 'FOREIGN':
      return cliError('DATA_DAMAGED', `${path}: expected a lock of exec`, {
        ...options,
        hint: 'it holds nothing: delete it',
      });
    case 'CLOSED':
    case 'CONSTRAINT':
    case 'IO':
    case 'MISUSE':
    case 'QUEUE_FULL':
      return cliError('DATA_UNREADABLE', `${path}: ${error.message}`, options);
  }
}
