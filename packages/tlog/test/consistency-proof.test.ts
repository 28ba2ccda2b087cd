import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryTree, consistencyProof, hashLeaf, verifyConsistency } from '../src/index.ts';
import type { ConsistencyClaim } from '../src/index.ts';
import { refusalOf } from './refusal.ts';
import { entryAt, fromBase64, merkle, toBase64 } from './vectors.ts';

const tree = new MemoryTree();
const refused = merkle.must_refuse.filter((vector) => vector.kind === 'consistency');

beforeAll(() => {
  const sizeMax = Math.max(300, ...merkle.consistency.map(({ to }) => to));
  while (tree.size < sizeMax) tree.append(hashLeaf(entryAt(tree.size)));
});

function claimOf(from: number, to: number): ConsistencyClaim {
  return {
    from,
    to,
    fromRoot: tree.root(from),
    toRoot: tree.root(to),
    proof: consistencyProof(from, to, tree.node),
  };
}

function refusal(claim: ConsistencyClaim): string | undefined {
  return refusalOf(() => {
    verifyConsistency(claim);
  });
}

describe('consistency proofs', () => {
  it('are those of the vectors, and verify', () => {
    for (const { from, to, proof } of merkle.consistency) {
      expect(consistencyProof(from, to, tree.node).map(toBase64)).toEqual(proof);
      const [fromRoot, toRoot] = [tree.root(from), tree.root(to)];
      verifyConsistency({ from, to, fromRoot, toRoot, proof: proof.map(fromBase64) });
    }
    expect(merkle.consistency.length).toBeGreaterThan(300);
  });

  it('verify for every pair of sizes to 300', () => {
    const roots = Array.from({ length: 301 }, (_, size) => tree.root(size));
    for (const [to, toRoot] of roots.entries()) {
      for (const [from, fromRoot] of roots.slice(0, to + 1).entries()) {
        const proof = consistencyProof(from, to, tree.node);
        verifyConsistency({ from, to, fromRoot, toRoot, proof });
      }
    }
  });

  it('are refused with any one bit changed', () => {
    for (const claim of [claimOf(6, 13), claimOf(8, 13)]) {
      for (const changed of [...claim.proof, claim.fromRoot, claim.toRoot]) {
        for (let bit = 0; bit < 256; bit += 1) {
          flip(changed, bit);
          expect(refusal(claim)).toBe('PROOF_ROOT');
          flip(changed, bit);
        }
      }
      verifyConsistency(claim);
    }
  });

  it('are refused with a hash too many or too few, for every pair of sizes to 40', () => {
    for (let to = 0; to <= 40; to += 1) {
      for (let from = 0; from <= to; from += 1) {
        const claim = claimOf(from, to);
        const surplus = [...claim.proof, claim.toRoot];
        expect(refusal({ ...claim, proof: surplus })).toBe('PROOF_LENGTH');
        if (claim.proof.length === 0) continue;
        expect(refusal({ ...claim, proof: claim.proof.slice(0, -1) })).toBe('PROOF_LENGTH');
      }
    }
  });

  it('do not hide a rewritten entry', () => {
    const forged = new MemoryTree();
    for (let index = 0; index < 13; index += 1)
      forged.append(hashLeaf(entryAt(index === 2 ? 99 : index)));
    const proof = consistencyProof(6, 13, forged.node);
    expect(refusal({ ...claimOf(6, 13), toRoot: forged.root(), proof })).toBe('PROOF_ROOT');
  });

  it.each(refused)('are refused: $why', (vector) => {
    const claim = {
      from: vector.from,
      to: vector.to,
      fromRoot: fromBase64(vector.from_root),
      toRoot: fromBase64(vector.to_root),
      proof: vector.proof.map(fromBase64),
    };
    expect(refusal(claim)).toBe(expectedCode(vector.why));
  });

  it('begin at the empty root only', () => {
    expect(refusal({ ...claimOf(0, 5), fromRoot: tree.root(1) })).toBe('PROOF_ROOT');
    expect(refusal({ ...claimOf(0, 0), toRoot: tree.root(1) })).toBe('PROOF_ROOT');
  });

  it.each([
    [6, 5],
    [-1, 5],
    [0.5, 5],
    [1, 2 ** 53],
    [1, Number.NaN],
  ])('exist for no sizes %d and %d', (from, to) => {
    expect(refusal({ ...claimOf(1, 5), from, to })).toBe('PROOF_INDEX');
    expect(refusalOf(() => consistencyProof(from, to, tree.node))).toBe('PROOF_INDEX');
  });

  it('take hashes of 32 bytes only', () => {
    const claim = claimOf(6, 13);
    const short = new Uint8Array(31);
    expect(refusal({ ...claim, fromRoot: short })).toBe('PROOF_LENGTH');
    expect(refusal({ ...claim, toRoot: short })).toBe('PROOF_LENGTH');
    expect(refusal({ ...claim, proof: [short, ...claim.proof.slice(1)] })).toBe('PROOF_LENGTH');
    expect(refusal({ ...claim, proof: [...claim.proof.slice(0, -1), short] })).toBe('PROOF_LENGTH');
  });
});

function flip(bytes: Uint8Array, bit: number): void {
  const position = Math.floor(bit / 8);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << (bit % 8));
}

function expectedCode(why: string): string {
  if (why === 'sizes swapped') return 'PROOF_INDEX';
  return /dropped|extra|non-empty/.test(why) ? 'PROOF_LENGTH' : 'PROOF_ROOT';
}
