import type { NewRecord, StoredRecord } from '@countersign/broker';
import { WireError, decodeIntake } from '@countersign/wire';

/**
 * An input of an intake that its ledger has left, as it goes to the one where the ledger is now: byte for byte. Undefined for
 * what was erased, is none or is somebody else's, and for a tick, which says no more than the next one.
 */
export function leftInput(
  { key, value, headers }: StoredRecord,
  tenant: string,
): NewRecord | undefined {
  if (value === null || tenantOf(value) !== tenant) return undefined;
  return { key, value, ...(headers !== undefined && { headers }) };
}

function tenantOf(value: Uint8Array): string | undefined {
  try {
    const { kind, tenant } = decodeIntake(value);
    return kind === 'Tick' ? undefined : tenant;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
