/** Upper ends of the classes that times to decide are counted in, in seconds: memory does not grow with the decisions. */
const WITHIN_S = [
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800],
  ...[43_200, 86_400, 172_800, 345_600, 604_800, 1_209_600, 2_592_000],
] as const;
const QUICK_S = 10;

export interface DecideTimes {
  readonly count: number;
  readonly shortestS: number;
  readonly longestS: number;
  /** The end of the class in which the middle one lies; the longest of all where that is shorter. */
  readonly halfWithinS: number;
  /** Of less than ten seconds: attack row E09. */
  readonly quick: number;
}

/** How long people took from the admission to their decision, by the clock of the ledger. */
export class TimeToDecide {
  readonly #counts: number[] = WITHIN_S.map(() => 0);
  #count = 0;
  #shortestMs = Infinity;
  #longestMs = 0;
  #quick = 0;

  note(ms: number): void {
    this.#count += 1;
    this.#shortestMs = Math.min(this.#shortestMs, ms);
    this.#longestMs = Math.max(this.#longestMs, ms);
    if (ms < QUICK_S * 1_000) this.#quick += 1;
    const at = WITHIN_S.findIndex((limit) => ms <= limit * 1_000);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Undefined before the first. */
  get told(): DecideTimes | undefined {
    if (this.#count === 0) return undefined;
    const longestS = this.#longestMs / 1_000;
    return {
      count: this.#count,
      shortestS: this.#shortestMs / 1_000,
      longestS,
      halfWithinS: Math.min(this.#halfWithin(), longestS),
      quick: this.#quick,
    };
  }

  #halfWithin(): number {
    let seen = 0;
    for (const [at, limit] of WITHIN_S.entries()) {
      seen += this.#counts[at] ?? 0;
      if (seen * 2 >= this.#count) return limit;
    }
    return Infinity;
  }
}
