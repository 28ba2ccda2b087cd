const QUICK_MS = 10_000;

export interface DecideTimes {
  readonly count: number;
  readonly shortestMs: number;
  readonly longestMs: number;
  /** Half took as long or less, nine of ten as long or less: each is a time that somebody took. */
  readonly medianMs: number;
  readonly p90Ms: number;
  /** Of less than ten seconds: attack row E09. */
  readonly quick: number;
}

/** How long people took from the admission to their decision, by the clock of the ledger. */
export class TimeToDecide {
  readonly #times: number[] = [];

  note(ms: number): void {
    this.#times.push(ms);
  }

  /** Undefined before the first. */
  get told(): DecideTimes | undefined {
    if (this.#times.length === 0) return undefined;
    const sorted = [...this.#times].sort((a, b) => a - b);
    return {
      count: sorted.length,
      shortestMs: rank(sorted, 0),
      longestMs: rank(sorted, 1),
      medianMs: rank(sorted, 0.5),
      p90Ms: rank(sorted, 0.9),
      quick: sorted.filter((ms) => ms < QUICK_MS).length,
    };
  }
}

/** The nearest rank, so that two who count the same come to the same. */
export function rank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * share), 1) - 1] ?? 0;
}
