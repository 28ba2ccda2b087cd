import { ERASABLE_TOPICS, type Broker } from '@countersign/broker';
import type { Patience } from './patience.ts';

/**
 * Removes the content of actions whose erasure is sealed.
 *
 * Crash story: the entry is in the log before anything is removed. Stopping in between leaves content that
 * the log calls erased; the next start removes it, since it asks for every erasure that the log holds.
 * Removing twice changes nothing. A request or a decision about the same action that arrived after the order
 * and is not decided yet goes as well: nobody had an answer to it, and its sender sends it again.
 */
export class Eraser {
  readonly #broker: Broker;
  readonly #patience: Patience;
  #due: string[] = [];
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

  /** Everything noted is sealed now. */
  async run(): Promise<void> {
    for (let key = this.#due[0]; key !== undefined; key = this.#due[0]) {
      for (const topic of ERASABLE_TOPICS) {
        const noted = key;
        await this.#patience.read(() => this.#broker.erase(topic, noted));
      }
      this.#due.shift();
      this.#count += 1;
    }
  }
}
