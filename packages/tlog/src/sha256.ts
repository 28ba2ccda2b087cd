import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';

/** SHA-256 as its own 32 bytes, which nobody else holds. */
type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Around the ends of the 64-byte blocks, where a wrong one differs. */
const COMPARED_SIZES = [0, 1, 55, 56, 63, 64, 65, 1_000];

let current: Sha256 = portableSha256;

export function sha256(bytes: Uint8Array): Uint8Array {
  return current(bytes);
}

/**
 * Hands in the platform's own SHA-256, which is ten times as fast. The function stays the same one, so nothing
 * that is computed depends on whether this was called; it is compared first.
 *
 * @throws RangeError for another function
 * @example useSha256(nativeSha256); // of @countersign/crypto-node
 */
export function useSha256(native: Sha256): void {
  for (const size of COMPARED_SIZES) {
    const bytes = Uint8Array.from({ length: size }, (_, at) => at & 0xff);
    const expected = portableSha256(bytes);
    const got = native(bytes);
    if (got.length !== expected.length || !expected.every((byte, at) => byte === got[at])) {
      throw new RangeError(`expected SHA-256, got something else for ${size} bytes`);
    }
  }
  current = native;
}
