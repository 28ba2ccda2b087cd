import { decodeBase64, encodeBase64 } from './base64.ts';
import { HASH_SIZE_BYTES } from './hash.ts';

/** A tree of 2^63 leaves, the largest that any of the formats knows, needs no longer proof. */
const PROOF_HASHES_MAX = 63;

type Refuse = (why: string) => Error;

/** One hash of a proof, as receipts and requests to witnesses write it. */
export function hashLine(hash: Uint8Array): string {
  return `${encodeBase64(hash)}\n`;
}

/** All that `parseHashLines` could refuse. @throws what `refused` makes of the reason */
export function assertHashes(proof: readonly Uint8Array[], refused: Refuse): void {
  assertCount(proof.length, refused);
  if (proof.some((hash) => hash.length !== HASH_SIZE_BYTES)) {
    throw refused(`a hash is not of ${HASH_SIZE_BYTES} bytes`);
  }
}

/** Reads such lines, without their newlines. @throws what `refused` makes of the reason */
export function parseHashLines(lines: readonly string[], refused: Refuse): Uint8Array[] {
  assertCount(lines.length, refused);
  return lines.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_SIZE_BYTES) {
      throw refused(`a hash is no base64 of ${HASH_SIZE_BYTES} bytes`);
    }
    return hash;
  });
}

function assertCount(count: number, refused: Refuse): void {
  if (count > PROOF_HASHES_MAX) throw refused(`above ${PROOF_HASHES_MAX} hashes`);
}
