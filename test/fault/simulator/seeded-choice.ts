/** sfc32: everything that a simulation leaves to chance comes from one of these, so that a seed replays. */
export class SeededChoice {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i += 1) this.#step();
  }

  #step(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.#step() / 2 ** 32) * bound);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.#step() / 2 ** 32 < probability;
  }

  /** @throws RangeError for an empty list */
  of<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    if (found === undefined) throw new RangeError('expected something to choose from');
    return found;
  }

  ofOrNone<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.of(list);
  }

  /** One of the names, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.below(1_000_000) / 1_000_000;
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight / total;
      if (left < 0) return name;
    }
    const last = entries.at(-1);
    if (last === undefined) throw new RangeError('expected something to choose from');
    return last[0];
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}
