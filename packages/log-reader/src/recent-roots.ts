const RECENT_ROOTS_MAX = 4_096;

/** The newest heads, so that a doubled or a contradicting checkpoint is known for what it is. */
export class RecentRoots {
  readonly #heads = new Map<number, { readonly root: Uint8Array; note?: string }>();

  get(size: number): Uint8Array | undefined {
    return this.#heads.get(size)?.root;
  }

  noteOf(size: number): string | undefined {
    return this.#heads.get(size)?.note;
  }

  set(size: number, root: Uint8Array): void {
    this.#heads.set(size, { root });
    if (this.#heads.size <= RECENT_ROOTS_MAX) return;
    // A map keeps the order of insertion, and sizes only grow.
    for (const oldest of this.#heads.keys()) {
      this.#heads.delete(oldest);
      return;
    }
  }

  setNote(size: number, note: string): void {
    const head = this.#heads.get(size);
    if (head !== undefined) head.note = note;
  }
}
