import { createHash } from 'node:crypto';

/*
 * RFC 6962 once more, in the plainest way and with another SHA-256 than the ledger's, so that the two do not
 * share a mistake.
 */

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function plainLeaf(bytes: Uint8Array): Buffer {
  return sha256(LEAF, bytes);
}

/** The definition, word for word. */
export function plainRoot(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return Buffer.from(only);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(NODE, plainRoot(leaves.slice(0, split)), plainRoot(leaves.slice(split)));
}

/** The same, leaf by leaf. */
export class PlainTree {
  readonly #peaks: { readonly hash: Buffer; readonly leaves: number }[];
  size = 0;

  constructor(peaks: readonly { readonly hash: Buffer; readonly leaves: number }[] = []) {
    this.#peaks = [...peaks];
    this.size = peaks.reduce((sum, { leaves }) => sum + leaves, 0);
  }

  clone(): PlainTree {
    return new PlainTree(this.#peaks);
  }

  append(leaf: Buffer): void {
    let peak = { hash: leaf, leaves: 1 };
    for (let last = this.#peaks.at(-1); last?.leaves === peak.leaves; last = this.#peaks.at(-1)) {
      this.#peaks.pop();
      peak = { hash: sha256(NODE, last.hash, peak.hash), leaves: peak.leaves * 2 };
    }
    this.#peaks.push(peak);
    this.size += 1;
  }

  root(): Buffer {
    const last = this.#peaks.at(-1);
    if (last === undefined) return sha256();
    return this.#peaks
      .slice(0, -1)
      .reduceRight((right, { hash }) => sha256(NODE, hash, right), last.hash);
  }
}
