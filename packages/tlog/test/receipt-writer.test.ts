import {
  MemoryTree,
  ReceiptWriter,
  formatTlogProof,
  hashLeaf,
  inclusionProof,
} from '../src/index.ts';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './refusal.ts';

const SIZES_MAX = 70;

describe('a receipt written among others under one head', () => {
  it('is the one that is written alone, for every entry of every size', () => {
    const tree = new MemoryTree();
    for (let size = 1; size <= SIZES_MAX; size += 1) {
      tree.append(hashLeaf(Uint8Array.of(size)));
      const checkpoint = `head of ${size}\n`;
      const writer = new ReceiptWriter({ size, checkpoint, reader: tree.node });
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(index, size, tree.node);
        expect(writer.receipt(index)).toBe(formatTlogProof({ index, proof, checkpoint }));
      }
    }
  });

  it.each([-1, 1, 0.5])('is refused for the index %d of one entry', (index) => {
    const tree = new MemoryTree();
    tree.append(hashLeaf(Uint8Array.of(1)));
    const writer = new ReceiptWriter({ size: 1, checkpoint: 'head\n', reader: tree.node });
    expect(refusalOf(() => writer.receipt(index))).toBe('PROOF_INDEX');
  });
});
