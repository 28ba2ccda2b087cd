import { TlogError } from './error.ts';
import { hashNode } from './hash.ts';

/**
 * Reads the hash of the complete subtree number `index` among those of 2^`level` leaves: it covers
 * the leaves from `index * 2^level` on. Level 0 is the leaf hashes. Only complete subtrees within the
 * tree are asked for; a reader that does not hold one MUST throw, never make one up.
 */
export type NodeReader = (level: number, index: number) => Uint8Array;

export interface NodePlace {
  readonly level: number;
  readonly index: number;
}

/** A complete subtree, whose hash no later entry changes. */
export interface TreeNode extends NodePlace {
  readonly hash: Uint8Array;
}

/** Folds complete subtrees, largest first, into the hash of the range they cover. */
export function foldHashes(hashes: readonly Uint8Array[]): Uint8Array {
  const folded = hashes.reduceRight<Uint8Array | undefined>(
    (right, left) => (right === undefined ? left : hashNode(left, right)),
    undefined,
  );
  if (folded === undefined) throw new TlogError('RANGE_STATE', 'no hashes to fold');
  return folded;
}

/**
 * The hash of a node that may lie on the right edge of a tree of `size` leaves, and then is not
 * complete: it is folded from the complete subtrees that make it up.
 */
export function readNode(node: NodePlace, size: number, reader: NodeReader): Uint8Array {
  let width = 2 ** node.level;
  let start = node.index * width;
  if (start + width <= size) return reader(node.level, node.index);
  const parts: Uint8Array[] = [];
  for (let level = node.level; level >= 0; level -= 1, width /= 2) {
    if (size - start < width) continue;
    parts.push(reader(level, start / width));
    start += width;
  }
  return foldHashes(parts);
}

/**
 * Where the siblings stand that a proof needs to climb from `node` to the root of a tree of `size` leaves, one on
 * each level. A node with no sibling, on the right edge, is promoted and not hashed again; hashing it again
 * would let two trees share a root.
 */
export function siblingPlaces(node: NodePlace, size: number): NodePlace[] {
  const places: NodePlace[] = [];
  let { level, index } = node;
  let last = Math.floor((size - 1) / 2 ** level);
  while (last > 0) {
    const sibling = index % 2 === 1 ? index - 1 : index + 1;
    if (sibling <= last) places.push({ level, index: sibling });
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
    level += 1;
  }
  return places;
}

/** The hashes at these places. */
export function readSiblings(node: NodePlace, size: number, reader: NodeReader): Uint8Array[] {
  return siblingPlaces(node, size).map((place) => readNode(place, size, reader));
}
