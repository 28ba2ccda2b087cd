import { CanonicalError, ed25519Raw, equalBytes } from '@countersign/canonical';
import { P256_SPKI_PREFIX } from './cose-key.ts';
import { isOnP256, isSafeEd25519Point } from './curve-point.ts';

const Y_AT = P256_SPKI_PREFIX.length + 32;
const P256_SPKI_BYTES = Y_AT + 32;

/** Whether this is the SPKI of a key that somebody can have, in its one form: the point uncompressed, and on the curve. */
export function isP256Spki(spki: Uint8Array): boolean {
  const head = spki.subarray(0, P256_SPKI_PREFIX.length);
  if (spki.length !== P256_SPKI_BYTES || !equalBytes(head, P256_SPKI_PREFIX)) return false;
  return isOnP256(spki.subarray(P256_SPKI_PREFIX.length, Y_AT), spki.subarray(Y_AT));
}

/** As above, and with a key that not everybody can sign for. */
export function isEd25519Spki(spki: Uint8Array): boolean {
  try {
    return isSafeEd25519Point(ed25519Raw(spki));
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    return false;
  }
}
