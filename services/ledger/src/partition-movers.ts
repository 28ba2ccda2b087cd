import type { PublicTopic } from '@countersign/wire';

/** Whose records are inputs on their way to an intake: a public topic, or an intake that a ledger has left. */
export interface InputPartition {
  readonly topic: PublicTopic | 'intake';
  readonly partition: number;
}

/** Moves what is in one partition until it is due no more. */
export type Move = (from: InputPartition, isDue: () => boolean) => Promise<void>;

interface Mover {
  isDue: boolean;
  readonly done: Promise<void>;
}

/** One loop for each partition of a changing set. */
export class PartitionMovers {
  readonly #move: Move;
  readonly #movers = new Map<string, Mover>();
  #changing: Promise<void> = Promise.resolve();
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects with what the first of them failed with; never resolves. */
  readonly failed: Promise<never>;

  constructor(move: Move) {
    this.#move = move;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever waits for it gets the failure; until then it must not count as unhandled.
    this.failed.catch(() => undefined);
  }

  /** One change after the other. Resolves when what left the set rests, and what came is being moved. */
  set(wanted: readonly InputPartition[]): Promise<void> {
    this.#changing = this.#changing.then(() => this.#change(wanted));
    return this.#changing;
  }

  async #change(wanted: readonly InputPartition[]): Promise<void> {
    const named = new Map(wanted.map((each) => [nameOf(each), each]));
    const leaving = [...this.#movers].filter(([name]) => !named.has(name));
    for (const [, mover] of leaving) mover.isDue = false;
    await Promise.all(leaving.map(([, { done }]) => done));
    for (const [name] of leaving) this.#movers.delete(name);
    for (const [name, partition] of named) {
      if (!this.#movers.has(name)) this.#movers.set(name, this.#start(partition));
    }
  }

  #start(partition: InputPartition): Mover {
    const state = { isDue: true };
    const done = this.#move(partition, () => state.isDue).catch(this.#fail);
    return Object.assign(state, { done });
  }
}

function nameOf({ topic, partition }: InputPartition): string {
  return `${topic}/${partition}`;
}
