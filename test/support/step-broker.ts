import {
  BrokerError,
  type Appended,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';

/** A step with an effect, just before it is taken. */
export interface Step {
  readonly call: 'append' | 'erase';
  readonly topic: Topic;
  /** What the keys of the log topic begin with: batch, binding or checkpoint; elsewhere the topic. */
  readonly what: string;
}

/**
 * What becomes of a step. `kill-*`: the process dies there, so that nothing it calls ever answers again.
 * `lose-reply`: it happens, and the caller is told that nobody knows. `fail`: it does not, and may be tried again.
 */
export type Fate = 'go' | 'kill-before' | 'kill-after' | 'lose-reply' | 'fail';

const NEVER = new Promise<never>(() => undefined);

/** A broker whose client can be killed at any step; what it had stored stays. */
export class StepBroker implements Broker {
  readonly #inner: Broker;
  readonly #fateOf: (step: Step) => Fate | Promise<Fate>;
  #isDead = false;

  constructor(inner: Broker, fateOf: (step: Step) => Fate | Promise<Fate>) {
    this.#inner = inner;
    this.#fateOf = fateOf;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    this.#isDead = true;
  }

  append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    const what = tp.topic === 'log' ? (records.at(-1)?.key.split('/')[0] ?? '') : tp.topic;
    const step: Step = { call: 'append', topic: tp.topic, what };
    return this.#take(step, () => this.#inner.append(tp, records));
  }

  erase(topic: Topic, key: string): Promise<number> {
    return this.#take({ call: 'erase', topic, what: topic }, () => this.#inner.erase(topic, key));
  }

  read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    return this.#alive(() => this.#inner.read(tp, fromOffset, maxRecords));
  }

  end(tp: TopicPartition): Promise<number> {
    return this.#alive(() => this.#inner.end(tp));
  }

  waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    return this.#alive(() => this.#inner.waitBeyond(tp, offset, timeoutMs));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #take<T>(step: Step, call: () => Promise<T>): Promise<T> {
    if (this.#isDead) return NEVER;
    const fate = await this.#fateOf(step);
    if (fate === 'fail') throw new BrokerError('BROKER_UNAVAILABLE', 'a fault of this test');
    if (fate === 'kill-before') {
      this.#isDead = true;
      return NEVER;
    }
    const result = await this.#alive(call);
    if (fate === 'kill-after') this.#isDead = true;
    if (fate === 'lose-reply') throw new BrokerError('BROKER_INDEFINITE', 'a fault of this test');
    return this.#alive(() => Promise.resolve(result));
  }

  /** The answer of a call reaches only those who live. */
  async #alive<T>(call: () => Promise<T>): Promise<T> {
    const unlessDead = <R>(answer: R): R | Promise<never> => (this.#isDead ? NEVER : answer);
    await unlessDead(undefined);
    return unlessDead(await call());
  }
}
