const MARKS_MAX = 64;

/**
 * Keeps the times of a partition from going backwards where the broker's clock was set back, or a new leader's is behind: for whoever
 * appends, and for whoever reads forward. How far each reader has come is remembered by the offset where it goes on.
 */
export class AppendClock {
  /** By the next offset: the time of the record before it. */
  readonly #marks = new Map<number, number>();
  #top = { next: 0, timeMs: 0 };

  /** Before this no record from that offset on may lie. */
  floorAt(offset: number): number {
    const mark = this.#marks.get(offset) ?? 0;
    return offset >= this.#top.next ? Math.max(mark, this.#top.timeMs) : mark;
  }

  note(nextOffset: number, timeMs: number): void {
    if (nextOffset > this.#top.next) this.#top = { next: nextOffset, timeMs };
    // Again at the end of the map: the marks that go are those of readers that went on.
    this.#marks.delete(nextOffset);
    this.#marks.set(nextOffset, timeMs);
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size <= MARKS_MAX) return;
      this.#marks.delete(oldest);
    }
  }
}
