import { TlogError } from './error.ts';
import { assertHash, emptyRoot, equalBytes, hashNode } from './hash.ts';
import { halve, isOdd, isPosition, isPowerOfTwo } from './position.ts';
import { readSiblings } from './tree-node.ts';
import type { NodeReader } from './tree-node.ts';

export interface ConsistencyClaim {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Uint8Array;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * The hashes that show the tree of `to` leaves to begin with the tree of `from` leaves.
 *
 * @throws TlogError `PROOF_INDEX` unless 0 <= from <= to; whatever the reader throws.
 */
export function consistencyProof(from: number, to: number, reader: NodeReader): Uint8Array[] {
  assertOrder(from, to);
  if (from === 0 || from === to) return [];
  // The climb starts at the last complete subtree of the old tree. When that is the whole old tree, the
  // verifier has its hash already: it is the old root.
  let level = 0;
  let index = from - 1;
  while (isOdd(index)) {
    index = halve(index);
    level += 1;
  }
  const start = index === 0 ? [] : [reader(level, index)];
  return [...start, ...readSiblings({ level, index }, to, reader)];
}

/**
 * Checks that a log only grew between two roots. From size 0 only the empty root itself is checked:
 * every tree begins with nothing.
 *
 * @throws TlogError `PROOF_INDEX`, `PROOF_LENGTH`, `PROOF_ROOT`
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  const { from, to, fromRoot, toRoot, proof } = claim;
  assertOrder(from, to);
  assertHash(fromRoot, 'old root');
  assertHash(toRoot, 'new root');
  if (from === 0) assertRoot(emptyRoot(), fromRoot, 0);
  if (from === 0 || from === to) {
    if (proof.length > 0) {
      throw new TlogError('PROOF_LENGTH', `expected no hashes, got ${proof.length}`);
    }
    if (from === to) assertRoot(fromRoot, toRoot, to);
    return;
  }
  const roots = recomputeRoots(claim);
  assertRoot(roots.from, fromRoot, from);
  assertRoot(roots.to, toRoot, to);
}

// RFC 9162 §2.1.4.2, on numbers up to 2^53-1.
function recomputeRoots(claim: ConsistencyClaim): { from: Uint8Array; to: Uint8Array } {
  const { from, to, proof } = claim;
  const [start, ...path] = isPowerOfTwo(from) ? [claim.fromRoot, ...proof] : proof;
  if (start === undefined) throw new TlogError('PROOF_LENGTH', 'expected hashes, got none');
  let node = from - 1;
  let last = to - 1;
  while (isOdd(node)) {
    node = halve(node);
    last = halve(last);
  }
  let fromHash = start;
  let toHash = start;
  for (const sibling of path) {
    if (last === 0) throw new TlogError('PROOF_LENGTH', `a surplus hash among ${proof.length}`);
    if (isOdd(node) || node === last) {
      fromHash = hashNode(sibling, fromHash);
      toHash = hashNode(sibling, toHash);
      // The right edge is promoted over the levels where it has no sibling.
      while (!isOdd(node) && node !== 0) {
        node = halve(node);
        last = halve(last);
      }
    } else {
      toHash = hashNode(toHash, sibling);
    }
    node = halve(node);
    last = halve(last);
  }
  if (last !== 0) throw new TlogError('PROOF_LENGTH', `hashes missing after ${proof.length}`);
  return { from: fromHash, to: toHash };
}

function assertRoot(computed: Uint8Array, expected: Uint8Array, size: number): void {
  if (!equalBytes(computed, expected)) {
    throw new TlogError('PROOF_ROOT', `the proof does not lead to the root of size ${size}`);
  }
}

function assertOrder(from: number, to: number): void {
  if (!isPosition(from) || !isPosition(to) || from > to) {
    throw new TlogError('PROOF_INDEX', `expected sizes in order, got ${from} and ${to}`);
  }
}
