import { TlogError } from './error.ts';
import { assertHash, equalBytes, hashNode } from './hash.ts';
import { halve, isOdd, isPosition } from './position.ts';
import { readSiblings } from './tree-node.ts';
import type { NodeReader } from './tree-node.ts';

export interface InclusionClaim {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
}

/**
 * The sibling hashes from the leaf up that lead to the root of the first `size` leaves.
 *
 * @throws TlogError `PROOF_INDEX` unless 0 <= index < size; whatever the reader throws.
 */
export function inclusionProof(index: number, size: number, reader: NodeReader): Uint8Array[] {
  assertWithin(index, size);
  return readSiblings({ level: 0, index }, size, reader);
}

/**
 * Recomputes the root that an inclusion proof leads to. It proves nothing until the result is compared
 * with a root that is trusted.
 *
 * @throws TlogError `PROOF_INDEX`, `PROOF_LENGTH`
 */
export function rootFromInclusion(claim: InclusionClaim): Uint8Array {
  const { leafHash, index, size, proof } = claim;
  assertWithin(index, size);
  assertHash(leafHash, 'leaf hash');
  let node = index;
  let last = size - 1;
  let hash = leafHash;
  // RFC 9162 §2.1.3.2, on numbers up to 2^53-1.
  for (const sibling of proof) {
    if (last === 0) throw new TlogError('PROOF_LENGTH', `a surplus hash among ${proof.length}`);
    if (isOdd(node) || node === last) {
      hash = hashNode(sibling, hash);
      // The right edge is promoted over the levels where it has no sibling.
      while (!isOdd(node) && node !== 0) {
        node = halve(node);
        last = halve(last);
      }
    } else {
      hash = hashNode(hash, sibling);
    }
    node = halve(node);
    last = halve(last);
  }
  if (last !== 0) throw new TlogError('PROOF_LENGTH', `hashes missing after ${proof.length}`);
  return hash;
}

/**
 * Checks that a leaf is at `index` in the tree of `size` leaves with that root.
 *
 * @throws TlogError `PROOF_INDEX`, `PROOF_LENGTH`, `PROOF_ROOT`
 */
export function verifyInclusion(claim: InclusionClaim & { readonly root: Uint8Array }): void {
  if (!equalBytes(rootFromInclusion(claim), claim.root)) {
    throw new TlogError(
      'PROOF_ROOT',
      `the proof of index ${claim.index} does not lead to the root of size ${claim.size}`,
    );
  }
}

export function assertWithin(index: number, size: number): void {
  if (!isPosition(size) || !isPosition(index) || index >= size) {
    throw new TlogError('PROOF_INDEX', `expected an index below the size, got ${index} of ${size}`);
  }
}
