/** The part of a time that names its unit. Days and hours are those of UTC. */
const NAMED_BY: Readonly<Record<Unit, string>> = { day: '2026-11-29', hour: '2026-11-29T03' };

type Unit = 'day' | 'hour';

/** Things a day, or an hour, of a log whose times never go back: only the newest unit is kept. */
export class UnitCount {
  readonly #length: number;
  #unit = '';
  #now = 0;
  #units = 0;
  #most = 0;
  #mostIn = '';

  constructor(unit: Unit) {
    this.#length = NAMED_BY[unit].length;
  }

  note(at: string): void {
    const unit = at.slice(0, this.#length);
    if (unit !== this.#unit) {
      this.#unit = unit;
      this.#now = 0;
      this.#units += 1;
    }
    this.#now += 1;
    if (this.#now <= this.#most) return;
    this.#most = this.#now;
    this.#mostIn = unit;
  }

  /** Units in which there was at least one. */
  get units(): number {
    return this.#units;
  }

  /** Of the busiest one: the first of those that are as busy. */
  get most(): number {
    return this.#most;
  }

  get mostIn(): string {
    return this.#mostIn;
  }
}
