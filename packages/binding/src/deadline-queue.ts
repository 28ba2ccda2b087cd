export interface Deadline {
  readonly atMs: number;
  readonly id: string;
}

/** Whether a deadline still stands: one whose action is closed is left in the queue until its turn. */
export type IsStanding = (deadline: Deadline) => boolean;

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.id < b.id);
}

/** Deadlines by time, in a binary heap; drafts read through to the queue below. */
export class DeadlineQueue {
  readonly #below: DeadlineQueue | undefined;
  readonly #heap: Deadline[] = [];

  constructor(below?: DeadlineQueue) {
    this.#below = below;
  }

  push(deadline: Deadline): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(deadline);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !isBefore(deadline, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = deadline;
  }

  /** The first `max` standing deadlines before `nowMs`, in order. Removes nothing. */
  due(nowMs: number, max: number, isStanding: IsStanding): Deadline[] {
    const found = new Map<string, Deadline>();
    this.#collect(nowMs, isStanding, found);
    return [...found.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1)).slice(0, max);
  }

  #collect(nowMs: number, isStanding: IsStanding, found: Map<string, Deadline>): void {
    const below = this.#below;
    if (below !== undefined) below.#collect(nowMs, isStanding, found);
    const open = [0];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const deadline = this.#heap[at];
      if (deadline === undefined || deadline.atMs >= nowMs) continue;
      if (isStanding(deadline)) found.set(deadline.id, deadline);
      open.push(2 * at + 1, 2 * at + 2);
    }
  }

  /** Forgets the deadlines at the front that no longer stand. Not for drafts, which do not own the front. */
  trim(isStanding: IsStanding): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (isStanding(first)) return;
      this.#pop();
    }
  }

  /** The earliest deadline, standing or not: a caller that wakes up once in vain does no harm. */
  get nextMs(): number | undefined {
    const below = this.#below?.nextMs;
    const own = this.#heap[0]?.atMs;
    if (below === undefined || own === undefined) return below ?? own;
    return Math.min(below, own);
  }

  commit(): void {
    for (const deadline of this.#heap) this.#below?.push(deadline);
    this.#heap.length = 0;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const leftAt = 2 * at + 1;
      const left = heap[leftAt];
      if (left === undefined) break;
      const right = heap[leftAt + 1];
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = isRight ? leftAt + 1 : leftAt;
    }
    heap[at] = last;
  }
}
