import { beforeAll, describe, expect, it } from 'vitest';
import {
  MemoryTree,
  hashLeaf,
  inclusionProof,
  rootFromInclusion,
  verifyInclusion,
} from '../src/index.ts';
import { refusalOf } from './refusal.ts';
import { entryAt, fromBase64, merkle, toBase64 } from './vectors.ts';

const tree = new MemoryTree();
const refused = merkle.must_refuse.filter((vector) => vector.kind === 'inclusion');

function leafAt(index: number): Uint8Array {
  return hashLeaf(entryAt(index));
}

beforeAll(() => {
  const sizeMax = Math.max(...merkle.inclusion.map(({ size }) => size));
  while (tree.size < sizeMax) tree.append(leafAt(tree.size));
});

describe('inclusion proofs', () => {
  it('are those of the vectors, and verify', () => {
    const roots = new Map(merkle.roots.map(({ size, root }) => [size, fromBase64(root)]));
    for (const { index, size, proof } of merkle.inclusion) {
      expect(inclusionProof(index, size, tree.node).map(toBase64)).toEqual(proof);
      const root = roots.get(size) ?? new Uint8Array(0);
      const hashes = proof.map(fromBase64);
      verifyInclusion({ leafHash: leafAt(index), index, size, proof: hashes, root });
    }
    expect(merkle.inclusion.length).toBeGreaterThan(300);
  });

  it('verify for every index of every size to 300', () => {
    const leaves = Array.from({ length: 300 }, (_, index) => leafAt(index));
    for (let size = 1; size <= 300; size += 1) {
      const root = tree.root(size);
      leaves.slice(0, size).forEach((leafHash, index) => {
        const proof = inclusionProof(index, size, tree.node);
        verifyInclusion({ leafHash, index, size, proof, root });
      });
    }
  });

  it('are refused with any one bit changed', () => {
    const [index, size] = [4, 13];
    const [leafHash, root] = [leafAt(index), tree.root(size)];
    const proof = inclusionProof(index, size, tree.node);
    for (const changed of [...proof, leafHash, root]) {
      for (let bit = 0; bit < 256; bit += 1) {
        flip(changed, bit);
        expect(
          refusalOf(() => {
            verifyInclusion({ leafHash, index, size, proof, root });
          }),
        ).toBe('PROOF_ROOT');
        flip(changed, bit);
      }
    }
    verifyInclusion({ leafHash, index, size, proof, root });
  });

  it('are refused with a hash too many or too few, for every index of every size to 40', () => {
    for (let size = 1; size <= 40; size += 1) {
      const root = tree.root(size);
      for (let index = 0; index < size; index += 1) {
        const leafHash = leafAt(index);
        const claim = { leafHash, index, size, root };
        const proof = inclusionProof(index, size, tree.node);
        const surplus = [...proof, root];
        expect(
          refusalOf(() => {
            verifyInclusion({ ...claim, proof: surplus });
          }),
        ).toBe('PROOF_LENGTH');
        if (proof.length === 0) continue;
        const short = proof.slice(0, -1);
        expect(
          refusalOf(() => {
            verifyInclusion({ ...claim, proof: short });
          }),
        ).toBe('PROOF_LENGTH');
      }
    }
  });

  it('stand for one index only', () => {
    const size = 13;
    const root = tree.root(size);
    for (let index = 0; index < size; index += 1) {
      const proof = inclusionProof(index, size, tree.node);
      for (let other = 0; other < size; other += 1) {
        if (other === index) continue;
        const claim = { leafHash: leafAt(index), index: other, size, proof, root };
        expect(
          refusalOf(() => {
            verifyInclusion(claim);
          }),
        ).toMatch(/^PROOF_(ROOT|LENGTH)$/);
      }
    }
  });

  it.each(refused)('are refused: $why', (vector) => {
    const claim = {
      leafHash: fromBase64(vector.leaf_hash),
      index: vector.index,
      size: vector.size,
      proof: vector.proof.map(fromBase64),
      root: fromBase64(vector.root),
    };
    expect(
      refusalOf(() => {
        verifyInclusion(claim);
      }),
    ).toBe(expectedCode(vector.why));
  });

  it.each([
    [-1, 5],
    [5, 5],
    [0, 0],
    [0.5, 5],
    [0, 2 ** 53],
    [Number.NaN, 5],
  ])('exist for no index %d of size %d', (index, size) => {
    const claim = { leafHash: leafAt(0), index, size, proof: [] };
    expect(refusalOf(() => rootFromInclusion(claim))).toBe('PROOF_INDEX');
    expect(refusalOf(() => inclusionProof(index, size, tree.node))).toBe('PROOF_INDEX');
  });

  it('take hashes of 32 bytes only', () => {
    const [hash, short] = [leafAt(0), leafAt(1).subarray(1)];
    const claim = { index: 0, size: 2 };
    expect(refusalOf(() => rootFromInclusion({ ...claim, leafHash: short, proof: [hash] }))).toBe(
      'PROOF_LENGTH',
    );
    expect(refusalOf(() => rootFromInclusion({ ...claim, leafHash: hash, proof: [short] }))).toBe(
      'PROOF_LENGTH',
    );
    const alone = { leafHash: short, index: 0, size: 1, proof: [] };
    expect(refusalOf(() => rootFromInclusion(alone))).toBe('PROOF_LENGTH');
  });

  it('work beyond 32 bits', () => {
    // The last leaf of a tree of 2^52 + 1 has one sibling: the whole complete tree to its left.
    const [leafHash, complete] = [leafAt(0), leafAt(1)];
    const size = 2 ** 52 + 1;
    const reader = (level: number, index: number): Uint8Array => {
      expect([level, index]).toEqual([52, 0]);
      return complete;
    };
    const proof = inclusionProof(2 ** 52, size, reader);
    expect(proof).toEqual([complete]);
    const pair = new MemoryTree();
    pair.append(complete);
    pair.append(leafHash);
    expect(rootFromInclusion({ leafHash, index: 2 ** 52, size, proof })).toEqual(pair.root());
  });
});

function flip(bytes: Uint8Array, bit: number): void {
  const position = Math.floor(bit / 8);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << (bit % 8));
}

function expectedCode(why: string): string {
  if (why.startsWith('index equal') || why === 'empty tree') return 'PROOF_INDEX';
  return /dropped|extra|shortened/.test(why) ? 'PROOF_LENGTH' : 'PROOF_ROOT';
}
