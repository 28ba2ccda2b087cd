/** Witnesses that say what cannot be of one log with ours: it is asked once more before anybody is stopped for it. */
export interface Doubt {
  readonly witness: string;
  readonly kind: 'ahead' | 'contradicted';
  /** That it says it holds. */
  readonly size: number;
}

/** So long nothing of ours has grown: what we read is not merely late. */
const CONFIRM_MS = 5_000;
/** A busy log grows all the time, and is not excused by it. */
const CONFIRM_AT_LEAST_MS = 30_000;

interface Standing {
  readonly doubt: Doubt;
  readonly sinceMs: number;
  readonly firstMs: number;
  readonly times: number;
}

export class WitnessDoubts {
  readonly #nowMs: () => number;
  readonly #standing = new Map<string, Standing>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get hasAny(): boolean {
    return this.#standing.size > 0;
  }

  add(doubt: Doubt): void {
    const now = this.#nowMs();
    const known = this.#standing.get(doubt.witness);
    const isSame = known?.doubt.kind === doubt.kind;
    const before = isSame ? known : { sinceMs: now, firstMs: now, times: 0 };
    this.#standing.set(doubt.witness, { ...before, doubt, times: before.times + 1 });
  }

  /** The witness has cosigned what goes on from what it held. */
  cleared(witness: string): void {
    this.#standing.delete(witness);
  }

  headGrew(): void {
    const sinceMs = this.#nowMs();
    for (const [witness, each] of this.#standing) {
      this.#standing.set(witness, { ...each, sinceMs });
    }
  }

  /** One that was said again, and has stood for long enough. */
  confirmed(): Doubt | undefined {
    const now = this.#nowMs();
    const found = [...this.#standing.values()].find(
      ({ sinceMs, firstMs, times }) =>
        times > 1 && (now - sinceMs >= CONFIRM_MS || now - firstMs >= CONFIRM_AT_LEAST_MS),
    );
    return found?.doubt;
  }
}
