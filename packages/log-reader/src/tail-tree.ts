import { CompactRange, ReceiptWriter, TlogError, inclusionProof } from '@countersign/tlog';
import type { NodeReader, TreeNode } from '@countersign/tlog';

/**
 * The part of the tree that proofs of the newest entries need: the complete subtrees left of them, and
 * every node completed since. So a receipt can be made at once, with no store of nodes.
 */
export class TailTree {
  readonly base: number;
  /** By level, then by index. */
  readonly #levels: Map<number, Uint8Array>[] = [];
  /** Of the head that receipts were asked for last. */
  #receipts: { readonly note: string; readonly writer: ReceiptWriter } | undefined;

  constructor(range: CompactRange) {
    this.base = range.size;
    this.add(nodesOf(range));
  }

  add(nodes: readonly TreeNode[]): void {
    for (const { level, index, hash } of nodes) {
      (this.#levels[level] ??= new Map()).set(index, hash);
    }
  }

  /** A field, so that it can be handed over as the reader of a proof. */
  readonly node: NodeReader = (level, index) => {
    const hash = this.#levels[level]?.get(index);
    if (hash === undefined) {
      throw new TlogError('RANGE_STATE', `node ${level}/${index} is not in the tail`);
    }
    return hash;
  };

  /**
   * The receipt of an entry under a signed head of that size.
   *
   * @throws TlogError `PROOF_INDEX`; `RANGE_STATE` for an entry before the tail.
   */
  receipt(index: number, head: { readonly size: number; readonly note: string }): string {
    const { size, note } = head;
    if (this.#receipts?.note !== note) {
      const writer = new ReceiptWriter({ size, checkpoint: note, reader: this.node });
      this.#receipts = { note, writer };
    }
    return this.#receipts.writer.receipt(index);
  }

  /** @throws TlogError `PROOF_INDEX`; `RANGE_STATE` for an entry before the tail. */
  inclusion(index: number, size: number): Uint8Array[] {
    return inclusionProof(index, size, this.node);
  }
}

/** The complete subtrees of a range, largest first, each with its place in the tree. */
function nodesOf(range: CompactRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  const { hashes } = range;
  let start = 0;
  for (const hash of hashes) {
    let width = 1;
    while (width * 2 <= range.size - start) width *= 2;
    nodes.push({ level: Math.log2(width), index: start / width, hash });
    start += width;
  }
  return nodes;
}
