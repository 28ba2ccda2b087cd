import { ERASABLE_TOPICS, type Broker } from '@countersign/broker';
import type { Patience } from './patience.ts';

/** Of those that were carried out before, at a time. */
const REPEATED_AT_ONCE = 4;

/**
 * Removes the content of actions whose erasure is sealed.
 *
 * Crash story: the entry is in the log before anything is removed. Stopping in between leaves content that
 * the log calls erased; the next start removes it, since it asks for every erasure that it reads in the log. Those
 * before what it reads were carried out (schemas/formats/snapshot.md §4); what a writer that lost its place has written
 * since, and did not live to remove, goes when they are asked for again, some at a time.
 * Removing twice changes nothing. A request or a decision about the same action that arrived after the order
 * and is not decided yet goes as well: nobody had an answer to it, and its sender sends it again.
 */
export class Eraser {
  readonly #broker: Broker;
  readonly #patience: Patience;
  #due: string[] = [];
  #repeated: string[] = [];
  #count = 0;

  constructor(broker: Broker, patience: Patience) {
    this.#broker = broker;
    this.#patience = patience;
  }

  get count(): number {
    return this.#count;
  }

  /** Of an entry that is in the log; it may not be sealed yet. */
  note(key: string): void {
    this.#due.push(key);
  }

  /** How many are noted and not carried out. */
  get dueCount(): number {
    return this.#due.length;
  }

  /** These were carried out by an earlier writer. */
  repeat(keys: readonly string[]): void {
    this.#repeated = [...keys];
  }

  async repeatSome(): Promise<void> {
    for (let left = REPEATED_AT_ONCE; left > 0; left -= 1) {
      const key = this.#repeated.at(-1);
      if (key === undefined) return;
      await this.#erase(key);
      this.#repeated.pop();
    }
  }

  /** The first so many that were noted are sealed now. */
  async run(sealedCount: number): Promise<void> {
    for (const key of this.#due.slice(0, sealedCount)) {
      await this.#erase(key);
      this.#due.shift();
      this.#count += 1;
    }
  }

  async #erase(key: string): Promise<void> {
    for (const topic of ERASABLE_TOPICS) {
      await this.#patience.read(() => this.#broker.erase(topic, key));
    }
  }
}
