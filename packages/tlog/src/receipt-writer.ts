import { hashLine } from './hash-line.ts';
import { assertWithin } from './inclusion-proof.ts';
import { receiptText } from './tlog-proof.ts';
import { readNode, siblingPlaces } from './tree-node.ts';
import type { NodePlace, NodeReader } from './tree-node.ts';

/** Writes the receipts of many entries under one signed head: what their proofs share is computed once. */
export class ReceiptWriter {
  readonly #size: number;
  readonly #checkpoint: string;
  readonly #reader: NodeReader;
  /** By level: all proofs meet the same incomplete node of a level, the last one. */
  readonly #edges: Map<number, Uint8Array> = new Map<number, Uint8Array>();
  readonly #lines: Map<Uint8Array, string> = new Map<Uint8Array, string>();

  /** The reader MUST give the same array for the same node. */
  constructor(head: {
    readonly size: number;
    readonly checkpoint: string;
    readonly reader: NodeReader;
  }) {
    this.#size = head.size;
    this.#checkpoint = head.checkpoint;
    this.#reader = head.reader;
  }

  /** As `formatTlogProof` of the inclusion proof. @throws TlogError `PROOF_INDEX`; whatever the reader throws */
  receipt(index: number): string {
    assertWithin(index, this.#size);
    let lines = '';
    for (const place of siblingPlaces({ level: 0, index }, this.#size)) {
      lines += this.#line(this.#hash(place));
    }
    return receiptText({ index, lines, checkpoint: this.#checkpoint });
  }

  #hash(place: NodePlace): Uint8Array {
    const { level, index } = place;
    if ((index + 1) * 2 ** level <= this.#size) return this.#reader(level, index);
    const known = this.#edges.get(level);
    if (known !== undefined) return known;
    const hash = readNode(place, this.#size, this.#reader);
    this.#edges.set(level, hash);
    return hash;
  }

  #line(hash: Uint8Array): string {
    const known = this.#lines.get(hash);
    if (known !== undefined) return known;
    const line = hashLine(hash);
    this.#lines.set(hash, line);
    return line;
  }
}
