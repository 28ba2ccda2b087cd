import { TlogError } from './error.ts';
import { HASH_SIZE_BYTES, emptyRoot, hashNode } from './hash.ts';
import { halve, isOdd, isPosition } from './position.ts';
import { foldHashes } from './tree-node.ts';
import type { TreeNode } from './tree-node.ts';

/**
 * The least that must be kept of a tree to append to it and know its root: the hashes of the complete
 * subtrees, left to right, one for each bit set in the size.
 *
 * `append` changes the object; take a `clone` before an append that may have to be undone.
 */
export class CompactRange {
  #size: number;
  #hashes: Uint8Array[];

  private constructor(size: number, hashes: Uint8Array[]) {
    this.#size = size;
    this.#hashes = hashes;
  }

  static empty(): CompactRange {
    return new CompactRange(0, []);
  }

  /**
   * Takes up a tree where an earlier one was left.
   *
   * @throws TlogError `RANGE_STATE` unless there is exactly one 32-byte hash for each bit of the size.
   */
  static restore(size: number, hashes: readonly Uint8Array[]): CompactRange {
    if (!isPosition(size)) {
      throw new TlogError('RANGE_STATE', `size: expected 0 to 2^53-1, got ${size}`);
    }
    const expected = countOnes(size);
    if (hashes.length !== expected) {
      throw new TlogError(
        'RANGE_STATE',
        `size ${size}: expected ${expected} hashes, got ${hashes.length}`,
      );
    }
    return new CompactRange(
      size,
      hashes.map((hash) => copyHash(hash)),
    );
  }

  get size(): number {
    return this.#size;
  }

  /** Copies: what a caller does to them cannot change the range. */
  get hashes(): readonly Uint8Array[] {
    return this.#hashes.map((hash) => hash.slice());
  }

  /**
   * Adds one leaf. Returns the nodes that this leaf completes, the leaf itself first (level 0) and then
   * upwards: a store that keeps each of them can serve every proof of this tree.
   *
   * @throws TlogError `RANGE_STATE` when the leaf hash is not 32 bytes or the tree is at 2^53-1 leaves.
   */
  append(leafHash: Uint8Array): TreeNode[] {
    if (this.#size === Number.MAX_SAFE_INTEGER) {
      throw new TlogError('RANGE_STATE', 'the tree is full at 2^53-1 leaves');
    }
    let hash = copyHash(leafHash);
    let index = this.#size;
    const completed: TreeNode[] = [{ level: 0, index, hash: hash.slice() }];
    while (isOdd(index)) {
      const left = this.#hashes.pop();
      if (left === undefined) throw new TlogError('RANGE_STATE', 'a subtree is missing');
      hash = hashNode(left, hash);
      index = halve(index);
      completed.push({ level: completed.length, index, hash: hash.slice() });
    }
    this.#hashes.push(hash);
    this.#size += 1;
    return completed;
  }

  root(): Uint8Array {
    return this.#size === 0 ? emptyRoot() : foldHashes(this.#hashes).slice();
  }

  clone(): CompactRange {
    return new CompactRange(this.#size, [...this.#hashes]);
  }
}

function countOnes(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = halve(rest)) ones += rest % 2;
  return ones;
}

function copyHash(hash: Uint8Array): Uint8Array {
  if (hash.length !== HASH_SIZE_BYTES) {
    throw new TlogError(
      'RANGE_STATE',
      `hash: expected ${HASH_SIZE_BYTES} bytes, got ${hash.length}`,
    );
  }
  return hash.slice();
}
