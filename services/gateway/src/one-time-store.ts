/**
 * Values that can be taken once, for a while. Bounded: when it is full of what still counts it takes nothing
 * more, because to drop an entry would be to break somebody's ceremony, or to let a nonce count twice.
 */
export class OneTimeStore<T> {
  readonly #max: number;
  readonly #lifeMs: number;
  readonly #nowMs: () => number;
  /** Oldest first, since all live equally long. */
  readonly #kept = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(options: { max: number; lifeMs: number; nowMs: () => number }) {
    this.#max = options.max;
    this.#lifeMs = options.lifeMs;
    this.#nowMs = options.nowMs;
  }

  /** False when there is no room, or when the key is there already. */
  put(key: string, value: T): boolean {
    this.#dropExpired();
    if (this.#kept.size >= this.#max || this.#kept.has(key)) return false;
    this.#kept.set(key, { value, until: this.#nowMs() + this.#lifeMs });
    return true;
  }

  /** The value, which is then gone. */
  take(key: string): T | undefined {
    this.#dropExpired();
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    return kept?.value;
  }

  #dropExpired(): void {
    const now = this.#nowMs();
    for (const [key, { until }] of this.#kept) {
      if (until > now) return;
      this.#kept.delete(key);
    }
  }
}
