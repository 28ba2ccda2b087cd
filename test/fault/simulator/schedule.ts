/** Something that is under way, and happens when its turn comes. */
export interface Task {
  /** Whose process it belongs to; what is under way on the network belongs to none. */
  readonly owner: string;
  readonly label: string;
  readonly isReady: () => boolean;
  /** Only of a pause: when it is over. */
  readonly wakeMs?: number;
  /** Answers what became of it, for the trace. */
  readonly run: () => string;
  /** The process dies before its turn. */
  readonly onCrash?: () => void;
}

export const NETWORK = 'network';

/** Owns everything that is under way in a simulation. Nothing happens but by `run`. */
export class Schedule {
  #tasks: Task[] = [];

  get size(): number {
    return this.#tasks.length;
  }

  add(task: Task): void {
    this.#tasks.push(task);
  }

  ready(isPaused: (owner: string) => boolean): Task[] {
    return this.#tasks.filter((task) => !isPaused(task.owner) && task.isReady());
  }

  /** When the first pause of those who are not stopped is over. */
  nextWakeMs(isPaused: (owner: string) => boolean): number | undefined {
    let least: number | undefined;
    for (const { owner, wakeMs } of this.#tasks) {
      if (wakeMs === undefined || isPaused(owner)) continue;
      if (least === undefined || wakeMs < least) least = wakeMs;
    }
    return least;
  }

  run(task: Task): string {
    this.#tasks.splice(this.#tasks.indexOf(task), 1);
    return task.run();
  }

  /** Nobody of this process hears of anything any more. */
  crash(owner: string): void {
    const gone = this.#tasks.filter((task) => task.owner === owner);
    this.#tasks = this.#tasks.filter((task) => task.owner !== owner);
    for (const task of gone) task.onCrash?.();
  }
}
