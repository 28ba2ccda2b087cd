import { CompactRange } from './compact-range.ts';
import { TlogError } from './error.ts';
import { emptyRoot } from './hash.ts';
import { isPosition } from './position.ts';
import { readNode } from './tree-node.ts';
import type { NodeReader, TreeNode } from './tree-node.ts';

/** A whole tree in memory, for tests and small logs: it keeps two hashes for each leaf. */
export class MemoryTree {
  readonly #range: CompactRange = CompactRange.empty();
  readonly #levels: Uint8Array[][] = [];

  get size(): number {
    return this.#range.size;
  }

  append(leafHash: Uint8Array): TreeNode[] {
    const completed = this.#range.append(leafHash);
    for (const { level, hash } of completed) {
      const row = (this.#levels[level] ??= []);
      row.push(hash);
    }
    return completed;
  }

  /**
   * The root of the tree, or the one it had when it was smaller.
   *
   * @throws TlogError `PROOF_INDEX` for a size that it never had.
   */
  root(size: number = this.size): Uint8Array {
    if (!isPosition(size) || size > this.size) {
      throw new TlogError('PROOF_INDEX', `size: expected at most ${this.size}, got ${size}`);
    }
    if (size === 0) return emptyRoot();
    let level = 0;
    while (2 ** level < size) level += 1;
    return readNode({ level, index: 0 }, size, this.node).slice();
  }

  /** A field and not a method, so that it can be handed over as the reader of a proof. */
  readonly node: NodeReader = (level, index) => {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined) {
      throw new TlogError('RANGE_STATE', `node ${level}/${index} is not complete`);
    }
    return hash;
  };
}
