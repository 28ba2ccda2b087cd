import type { TopicPartition } from './broker.ts';
import { BrokerError } from './broker-error.ts';

/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Waiter {
  readonly offset: number;
  readonly settle: (reached: boolean) => void;
  readonly reject: (error: BrokerError) => void;
}

/** Who waits for the end of a partition, for brokers that see each append themselves. */
export class EndWaiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  wait(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    const key = partitionKey(tp);
    const waiters = this.#waiting.get(key) ?? new Set<Waiter>();
    this.#waiting.set(key, waiters);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        waiters.delete(waiter);
      };
      const waiter: Waiter = {
        offset,
        settle: (reached) => {
          leave();
          resolve(reached);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(
        () => {
          waiter.settle(false);
        },
        Math.min(timeoutMs, MAX_TIMER_MS),
      );
      waiters.add(waiter);
    });
  }

  /** The partition now ends at `end`. */
  notify(tp: TopicPartition, end: number): void {
    for (const waiter of this.#waiting.get(partitionKey(tp)) ?? []) {
      if (end > waiter.offset) waiter.settle(true);
    }
  }

  rejectAll(error: BrokerError): void {
    for (const waiters of this.#waiting.values()) {
      for (const waiter of waiters) waiter.reject(error);
    }
  }
}

export function partitionKey(tp: TopicPartition): string {
  return `${tp.topic}/${tp.partition}`;
}
