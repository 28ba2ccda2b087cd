import { LedgerError } from '@countersign/log-reader';
import { keyIds, parseVerifierKey, type KeyHistory, type NoteSigner } from '@countersign/tlog';

/** A head that is to be signed. */
export interface HeadToSign {
  readonly origin: string;
  readonly size: number;
  /** Of the newest head that is signed. */
  readonly sealedSize: number;
  readonly keys: KeyHistory;
}

/**
 * Of the signers of this writer, all that may sign a head of this size. At least one of them was a key of the log at the newest
 * head that is signed, or no reader would count it: schemas/formats/authority.md §8.
 *
 * @throws LedgerError SIGNING_KEY_NOT_VALID_AT when none may any more or yet; SIGNER_FATAL when none ever was a key of the log
 */
export function signersOf(signers: readonly NoteSigner[], head: HeadToSign): readonly NoteSigner[] {
  const { origin, size, sealedSize, keys } = head;
  const may = (knownAt: number): readonly NoteSigner[] => {
    const valid = keys.validAt(size, knownAt);
    return signers.filter(({ vkey }) => valid.some((key) => key.vkey === vkey));
  };
  if (may(sealedSize).length > 0) return may(size);
  const expected = keyIds(keys.validAt(size, sealedSize));
  const got = keyIds(signers.map(({ vkey }) => parseVerifierKey(vkey)));
  const code = signers.some(({ vkey }) => keys.knows(vkey))
    ? 'SIGNING_KEY_NOT_VALID_AT'
    : 'SIGNER_FATAL';
  throw new LedgerError(
    code,
    `size ${size} of ${origin}: expected a signer of the key ${expected}, got ${got}`,
  );
}
