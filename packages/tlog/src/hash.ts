import { TlogError } from './error.ts';
import { sha256 } from './sha256.ts';

export const HASH_SIZE_BYTES = 32;

// Leaves and nodes hash under different prefixes, or an inner node could be passed off as an entry
// (schemas/formats/checkpoint-and-receipt.md §1).
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

// What is hashed is put together in the same memory each time: a proof is dozens of nodes, and each memory of its own
// would cost as much as its hash. Nobody else sees these bytes, and hashing them is over when it returns.
const LEAF_KEPT_BYTES = 65_536;
const leaf = new Uint8Array(1 + LEAF_KEPT_BYTES);
leaf[0] = LEAF_PREFIX;
const node = new Uint8Array(1 + 2 * HASH_SIZE_BYTES);
node[0] = NODE_PREFIX;

/** The hash under which an entry stands in the tree. */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  const bytes = entry.length < leaf.length ? leaf.subarray(0, 1 + entry.length) : newLeaf(entry);
  bytes.set(entry, 1);
  return sha256(bytes);
}

function newLeaf(entry: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + entry.length);
  bytes[0] = LEAF_PREFIX;
  return bytes;
}

/**
 * The hash of two subtrees side by side.
 *
 * @throws TlogError `PROOF_LENGTH` when either is not 32 bytes: their boundary is not hashed, so
 * other lengths would let two different pairs share a hash.
 */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  assertHash(left, 'left hash');
  assertHash(right, 'right hash');
  node.set(left, 1);
  node.set(right, 1 + HASH_SIZE_BYTES);
  return sha256(node);
}

/** The root of a tree with no entries: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

export function assertHash(hash: Uint8Array, what: string): void {
  if (hash.length !== HASH_SIZE_BYTES) {
    throw new TlogError(
      'PROOF_LENGTH',
      `${what}: expected ${HASH_SIZE_BYTES} bytes, got ${hash.length}`,
    );
  }
}

// Not constant time: everything compared here is public.
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, position) => byte === b[position]);
}
