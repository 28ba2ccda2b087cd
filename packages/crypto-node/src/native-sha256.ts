import { hash } from 'node:crypto';

/** SHA-256 of the platform, for `useSha256` of @countersign/canonical and of @countersign/tlog. */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  // A plain array of its own: a Buffer's `slice` shares its memory where a Uint8Array's copies.
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}
