import { sha256, toBase64url, toHex, utf8 } from '@countersign/canonical';

export interface TokenBookOptions {
  readonly max: number;
  readonly maxPerHolder: number;
  readonly lifeMs: number;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

export type Kept<T> = T & { readonly expiresAtMs: number };

const TOKEN_BYTES = 32;

/** What holders of a token have proved, for a while. In memory only: to lose it is to prove it once more. */
export class TokenBook<T> {
  readonly #options: TokenBookOptions;
  /** By the token's digest, oldest first: memory alone gives no token away. */
  readonly #kept = new Map<string, { readonly holder: string; readonly facts: Kept<T> }>();

  constructor(options: TokenBookOptions) {
    this.#options = options;
  }

  /** A token that nobody else knows. Beyond the limits the oldest of the same holder ends, then anybody's. */
  open(holder: string, facts: T, endMs = Infinity): { token: string; facts: Kept<T> } {
    const { max, maxPerHolder, lifeMs, nowMs, randomBytes } = this.#options;
    const own = [...this.#kept].filter(([, kept]) => kept.holder === holder);
    const oldest = own.length >= maxPerHolder ? own[0]?.[0] : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    if (this.#kept.size >= max) this.#dropOldest();
    const token = toBase64url(randomBytes(TOKEN_BYTES));
    const ending = { ...facts, expiresAtMs: Math.min(nowMs() + lifeMs, endMs) };
    this.#kept.set(keyOf(token), { holder, facts: ending });
    return { token, facts: ending };
  }

  find(token: string): Kept<T> | undefined {
    const key = keyOf(token);
    const facts = this.#kept.get(key)?.facts;
    if (facts !== undefined && facts.expiresAtMs <= this.#options.nowMs()) {
      this.#kept.delete(key);
      return undefined;
    }
    return facts;
  }

  close(token: string): void {
    this.#kept.delete(keyOf(token));
  }

  closeWhere(isEnded: (facts: T) => boolean): void {
    for (const [key, { facts }] of this.#kept) if (isEnded(facts)) this.#kept.delete(key);
  }

  #dropOldest(): void {
    const oldest = this.#kept.keys().next();
    if (oldest.done !== true) this.#kept.delete(oldest.value);
  }
}

function keyOf(token: string): string {
  return toHex(sha256(utf8(token)));
}
