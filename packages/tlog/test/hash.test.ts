import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { emptyRoot, hashLeaf, hashNode } from '../src/index.ts';
import { refusalOf } from './refusal.ts';
import { entryAt, merkle, toBase64 } from './vectors.ts';

describe('hashing', () => {
  it.each(merkle.leaf_hashes)('hashes entry $index as the vector does', (vector) => {
    expect(Buffer.from(entryAt(vector.index)).toString('hex')).toBe(vector.entry_hex);
    expect(toBase64(hashLeaf(entryAt(vector.index)))).toBe(vector.leaf_hash);
  });

  it('keeps a node apart from a leaf of the same bytes', () => {
    const [left, right] = [hashLeaf(entryAt(0)), hashLeaf(entryAt(1))];
    const both = Uint8Array.from([...left, ...right]);
    const node = createHash('sha256').update(Uint8Array.of(1)).update(both).digest();
    expect(toBase64(hashNode(left, right))).toBe(node.toString('base64'));
    expect(hashNode(left, right)).not.toEqual(hashLeaf(both));
  });

  it('refuses to join anything but two hashes', () => {
    const hash = hashLeaf(entryAt(0));
    expect(refusalOf(() => hashNode(hash.subarray(1), hash))).toBe('PROOF_LENGTH');
    expect(refusalOf(() => hashNode(hash, Uint8Array.of(...hash, 0)))).toBe('PROOF_LENGTH');
  });

  it('gives the empty tree the hash of nothing', () => {
    expect(toBase64(emptyRoot())).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  });
});
