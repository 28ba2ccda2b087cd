/**
 * A map that can be tried out: a draft reads through to the map below it and keeps its own changes, which
 * are merged down by `commit` or simply dropped.
 */
export class DraftMap<K, V> {
  readonly #below: DraftMap<K, V> | undefined;
  /** Undefined stands for a removal of what is below. */
  readonly #own: Map<K, V | undefined> = new Map<K, V | undefined>();

  constructor(below?: DraftMap<K, V>) {
    this.#below = below;
  }

  get(key: K): V | undefined {
    const own = this.#own.get(key);
    if (own !== undefined || this.#below === undefined) return own;
    return this.#own.has(key) ? undefined : this.#below.get(key);
  }

  set(key: K, value: V): void {
    this.#own.set(key, value);
  }

  delete(key: K): void {
    if (this.#below === undefined) this.#own.delete(key);
    else this.#own.set(key, undefined);
  }

  commit(): void {
    const below = this.#below;
    if (below === undefined) return;
    for (const [key, value] of this.#own) {
      if (value === undefined) below.delete(key);
      else below.set(key, value);
    }
    this.#own.clear();
  }

  /** Drops the oldest values while `isOld` says so. Only for the lowest map, whose order is that of insertion. */
  dropOldest(isOld: (value: V) => boolean): void {
    for (const [key, value] of this.#own) {
      if (value !== undefined && !isOld(value)) return;
      this.#own.delete(key);
    }
  }

  entries(): ReadonlyMap<K, V> {
    const all = new Map(this.#below?.entries());
    for (const [key, value] of this.#own) {
      if (value === undefined) all.delete(key);
      else all.set(key, value);
    }
    return all;
  }
}
