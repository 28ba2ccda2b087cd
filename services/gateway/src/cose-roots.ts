import type { SignedRoot } from '@countersign/cose-receipt';
import type { CheckpointRow } from '@countersign/store';
import type { SignHeadRoot } from './gateway-deps.ts';

const ROOTS_MAX = 1_000;

/** Signed roots of heads that somebody has asked for: each is signed once, for all receipts under it. */
export class CoseRoots {
  readonly #sign: SignHeadRoot;
  /** By size; the ones that were asked for last are at the end. */
  readonly #roots = new Map<number, Promise<SignedRoot>>();

  constructor(sign: SignHeadRoot) {
    this.#sign = sign;
  }

  has(size: number): boolean {
    return this.#roots.has(size);
  }

  async rootOf({ size, note }: CheckpointRow): Promise<SignedRoot> {
    const root = this.#roots.get(size) ?? this.#sign(note);
    this.#roots.delete(size);
    this.#roots.set(size, root);
    const [oldest] = this.#roots.keys();
    if (this.#roots.size > ROOTS_MAX && oldest !== undefined) this.#roots.delete(oldest);
    try {
      return await root;
    } catch (error) {
      // A signer that is away is asked again by whoever asks next.
      if (this.#roots.get(size) === root) this.#roots.delete(size);
      throw error;
    }
  }
}
