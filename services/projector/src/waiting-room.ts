import { ProjectorError } from './projector-error.ts';

const WAITERS_MAX = 20_000;

export interface Seat<T> {
  /** Undefined when nothing came in time. */
  readonly arrived: Promise<T | undefined>;
  readonly leave: () => void;
}

type Settle<T> = (value: T) => void;

const anything = (): boolean => true;

/** Who waits for what, by key. It keeps nothing but the waiting: whoever comes late asks the store. */
export class WaitingRoom<T> {
  readonly #waiting = new Map<string, Set<Settle<T>>>();
  readonly #max: number;
  #count = 0;

  constructor(max: number = WAITERS_MAX) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  has(key: string): boolean {
    return this.#waiting.has(key);
  }

  get keys(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /**
   * Takes a seat before anything is looked up, so that nothing is missed between looking and waiting.
   * `leave` MUST be called in the end. What the waiter does not want is passed over.
   *
   * @throws ProjectorError TOO_MANY_WAITERS
   */
  join(key: string, timeoutMs: number, wants: (value: T) => boolean = anything): Seat<T> {
    if (this.#count >= this.#max) {
      throw new ProjectorError('TOO_MANY_WAITERS', `expected at most ${this.#max} to wait`);
    }
    const others = this.#waiting.get(key) ?? new Set<Settle<T>>();
    this.#waiting.set(key, others);
    let leave: () => void = () => undefined;
    const arrived = new Promise<T | undefined>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs, undefined);
      const settle = (value: T): void => {
        if (wants(value)) resolve(value);
      };
      others.add(settle);
      this.#count += 1;
      leave = () => {
        clearTimeout(timer);
        if (!others.delete(settle)) return;
        this.#count -= 1;
        if (others.size === 0 && this.#waiting.get(key) === others) this.#waiting.delete(key);
      };
    });
    return { arrived, leave };
  }

  settle(key: string, value: T): void {
    for (const settle of this.#waiting.get(key) ?? []) settle(value);
  }
}
