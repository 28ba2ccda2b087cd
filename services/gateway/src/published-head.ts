type Head = { readonly size: number; readonly note: string };

export interface PublishedHeadOptions {
  readonly newest: () => Promise<Head | undefined>;
  readonly nowMs: () => number;
}

const EVERY_MS = 1_000;

/**
 * The head that readers of tiles are given: another one at most once a second, so that a busy log does not make as many partial
 * tiles as it has batches. It never goes back, though the store may be put back under it.
 */
export class PublishedHead {
  readonly #options: PublishedHeadOptions;
  #head: Head | undefined;
  #atMs = -Infinity;

  constructor(options: PublishedHeadOptions) {
    this.#options = options;
  }

  async note(): Promise<string | undefined> {
    const nowMs = this.#options.nowMs();
    // A clock that was put back must not hold the head for as long.
    const isFresh = nowMs >= this.#atMs && nowMs < this.#atMs + EVERY_MS;
    if (this.#head !== undefined && isFresh) return this.#head.note;
    const newest = await this.#options.newest();
    if (newest !== undefined && newest.size >= (this.#head?.size ?? 0)) this.#head = newest;
    this.#atMs = nowMs;
    return this.#head?.note;
  }
}
