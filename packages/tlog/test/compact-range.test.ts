import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompactRange, MemoryTree, hashLeaf } from '../src/index.ts';
import { recursiveRoot } from './recursive-root.ts';
import { refusalOf } from './refusal.ts';
import { entryAt, merkle, toBase64 } from './vectors.ts';

const leaves = Array.from({ length: 300 }, (_, index) => hashLeaf(entryAt(index)));

function rangeOf(size: number): CompactRange {
  const range = CompactRange.empty();
  for (const leaf of leaves.slice(0, size)) range.append(leaf);
  return range;
}

function leafAt(index: number): Uint8Array {
  return leaves[index] ?? hashLeaf(entryAt(index));
}

describe('CompactRange', () => {
  it('has the roots of the vectors', () => {
    const expected = new Map(merkle.roots.map(({ size, root }) => [size, root]));
    const range = CompactRange.empty();
    const seen: number[] = [];
    const sizeMax = Math.max(...expected.keys());
    for (;;) {
      const root = expected.get(range.size);
      if (root !== undefined) {
        expect(toBase64(range.root()), `size ${range.size}`).toBe(root);
        seen.push(range.size);
      }
      if (range.size === sizeMax) break;
      range.append(leafAt(range.size));
    }
    expect(seen).toHaveLength(merkle.roots.length);
  });

  it('has the root that RFC 6962 defines, at every size to 300', () => {
    const range = CompactRange.empty();
    for (let size = 0; size < leaves.length; size += 1) {
      expect(range.root(), `size ${size}`).toEqual(recursiveRoot(leaves.slice(0, size)));
      range.append(leafAt(size));
    }
  });

  it('goes on from where it was left, at any size', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(99), (size, more) => {
        const left = rangeOf(size);
        const taken = CompactRange.restore(left.size, left.hashes);
        for (const leaf of leaves.slice(size, size + more)) taken.append(leaf);
        expect(taken.size).toBe(size + more);
        expect(taken.root()).toEqual(rangeOf(size + more).root());
      }),
    );
  });

  it('reports each complete subtree once, when its last leaf comes', () => {
    const range = CompactRange.empty();
    const seen = new Map<string, Uint8Array>();
    leaves.slice(0, 130).forEach((leaf, index) => {
      for (const node of range.append(leaf)) {
        const width = 2 ** node.level;
        expect((node.index + 1) * width).toBe(index + 1);
        const covered = leaves.slice(node.index * width, index + 1);
        expect(node.hash).toEqual(recursiveRoot(covered));
        expect(seen.has(`${node.level}/${node.index}`)).toBe(false);
        seen.set(`${node.level}/${node.index}`, node.hash);
      }
    });
    // 130 + 65 + 32 + 16 + 8 + 4 + 2 + 1
    expect(seen.size).toBe(258);
  });

  it('changes neither with its clone nor with what it handed out', () => {
    const range = rangeOf(7);
    const root = range.root();
    range.clone().append(leafAt(7));
    for (const hash of range.hashes) hash.fill(0);
    for (const node of range.clone().append(leafAt(7))) node.hash.fill(0);
    range.root().fill(0);
    rangeOf(1).root().fill(0);
    expect(range.size).toBe(7);
    expect(range.root()).toEqual(root);
  });

  it.each([
    ['a hash missing', 7, 2],
    ['a hash too many', 7, 4],
    ['a hash for an empty tree', 0, 1],
    ['a size below zero', -1, 1],
    ['half a leaf', 1.5, 1],
    ['a size that no number holds exactly', 2 ** 53, 1],
    ['no number', Number.NaN, 0],
  ])('is not restored with %s', (_why, size, count) => {
    const hashes = leaves.slice(0, count);
    expect(refusalOf(() => CompactRange.restore(size, hashes))).toBe('RANGE_STATE');
  });

  it('refuses a hash of another size', () => {
    const short = leafAt(0).subarray(1);
    expect(refusalOf(() => CompactRange.restore(1, [short]))).toBe('RANGE_STATE');
    const range = rangeOf(3);
    expect(refusalOf(() => range.append(short))).toBe('RANGE_STATE');
    expect(range.root()).toEqual(rangeOf(3).root());
  });

  it('counts beyond 32 bits, up to the last size', () => {
    const range = CompactRange.restore(2 ** 40 + 1, leaves.slice(0, 2));
    expect(range.append(leafAt(2)).map(({ level, index }) => [level, index])).toEqual([
      [0, 2 ** 40 + 1],
      [1, 2 ** 39],
    ]);
    expect(range.hashes).toHaveLength(2);
    const full = CompactRange.restore(Number.MAX_SAFE_INTEGER, leaves.slice(0, 53));
    expect(refusalOf(() => full.append(leafAt(0)))).toBe('RANGE_STATE');
  });
});

describe('MemoryTree', () => {
  it('knows the root of each size it ever had, and no other', () => {
    const tree = new MemoryTree();
    for (const leaf of leaves.slice(0, 70)) tree.append(leaf);
    for (let size = 0; size <= 70; size += 1) {
      expect(tree.root(size)).toEqual(recursiveRoot(leaves.slice(0, size)));
    }
    expect(tree.root()).toEqual(tree.root(70));
    expect(refusalOf(() => tree.root(71))).toBe('PROOF_INDEX');
    expect(refusalOf(() => tree.root(-1))).toBe('PROOF_INDEX');
  });

  it('holds complete nodes only', () => {
    const tree = new MemoryTree();
    for (const leaf of leaves.slice(0, 5)) tree.append(leaf);
    expect(tree.node(2, 0)).toEqual(recursiveRoot(leaves.slice(0, 4)));
    expect(refusalOf(() => tree.node(1, 2))).toBe('RANGE_STATE');
    expect(refusalOf(() => tree.node(3, 0))).toBe('RANGE_STATE');
  });
});
