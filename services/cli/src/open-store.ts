import type { ReadModels, StoreSignal } from '@countersign/store';
import { cliError } from './cli-error.ts';
import { dataError, placeOf } from './data-error.ts';
import type { FoundedData } from './open-data.ts';

/** @throws CliError DATA_DAMAGED, DATA_UNREADABLE, DISK_FULL; STORE_CORRUPT, STORE_UNAVAILABLE on a cluster */
export async function openStore(data: FoundedData): Promise<ReadModels> {
  try {
    return await data.backends.openStore();
  } catch (error) {
    throw dataError(error, placeOf(data));
  }
}

/**
 * Read models that other processes write.
 *
 * @throws CliError USAGE, STORE_CORRUPT, STORE_UNAVAILABLE
 */
export async function openSharedStore(data: FoundedData): Promise<ReadModels & StoreSignal> {
  const { openSharedStore: open } = data.backends;
  if (open === undefined) {
    throw cliError('USAGE', `expected a ledger on a cluster in ${data.folder.path}`, {
      hint: 'a ledger of files runs in one process: `countersign serve`',
    });
  }
  try {
    return await open();
  } catch (error) {
    throw dataError(error, placeOf(data));
  }
}
