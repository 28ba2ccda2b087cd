import { boundChangeIn } from '@countersign/binding';
import { TlogError, parseVerifierKey, type KeyHistory } from '@countersign/tlog';

interface Entries {
  readonly origin: string;
  readonly entries: readonly { readonly index: number; readonly bytes: Uint8Array }[];
}

/** The keys of a log after these entries; the same history when they change none. schemas/formats/authority.md §8 */
export function keysAfter(before: KeyHistory, { origin, entries }: Entries): KeyHistory {
  let keys = before;
  for (const { index, bytes } of entries) {
    const change = boundChangeIn(bytes);
    if (change?.kind === 'log-key-removed') keys = keys.without(change.id, index);
    else if (change?.kind === 'log-key-added' && canJoin(change.vkey, origin, keys)) {
      keys = keys.with(change.vkey, index);
    }
  }
  return keys;
}

/** No ledger writes another one; a stranger who can write to the topic might, and must not stop its readers. */
function canJoin(vkey: string, origin: string, keys: KeyHistory): boolean {
  try {
    const { name, type, keyIdHex } = parseVerifierKey(vkey);
    const isNew = keys.verifiers.every((known) => known.keyIdHex !== keyIdHex);
    return name === origin && type !== 4 && isNew;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}
