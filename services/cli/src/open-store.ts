import type { ReadModels } from '@countersign/store';
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
