import { BindingError, parseEntry, type Entry } from '@countersign/binding';
import { LedgerError } from '@countersign/log-reader';

/** An entry that is part of the log. @throws LedgerError LOG_CORRUPT: no ledger has written it */
export function acceptedEntry(bytes: Uint8Array, index: number): Entry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new LedgerError('LOG_CORRUPT', `entry ${index}: expected a known entry`, {
      cause: error,
    });
  }
}
