const DATE_LENGTH = '2026-11-29'.length;

/** Things a day, of a log whose times never go back: only the newest day is kept. Days are those of UTC. */
export class DayCount {
  #day = '';
  #today = 0;
  #days = 0;
  #most = 0;
  #mostOn = '';

  note(at: string): void {
    const day = at.slice(0, DATE_LENGTH);
    if (day !== this.#day) {
      this.#day = day;
      this.#today = 0;
      this.#days += 1;
    }
    this.#today += 1;
    if (this.#today <= this.#most) return;
    this.#most = this.#today;
    this.#mostOn = day;
  }

  /** Days on which there was at least one. */
  get days(): number {
    return this.#days;
  }

  /** Of the busiest day. */
  get most(): number {
    return this.#most;
  }

  get mostOn(): string {
    return this.#mostOn;
  }
}
