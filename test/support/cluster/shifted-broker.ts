import {
  partitionKey,
  type Appended,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';
import type { ShiftedClock } from '../shifted-clock.ts';

interface Shift {
  readonly fromOffset: number;
  readonly ms: number;
}

/** Where the time of a test was put forward, per partition: every handle on the same topics needs the same one. */
export type Shifts = Map<string, Shift[]>;

/** A real broker, whose clock a test may put forward: what is appended after that is told with the time of then. */
export class ShiftedBroker implements Broker {
  readonly #broker: Broker;
  readonly #clock: ShiftedClock;
  readonly #shifts: Shifts;

  constructor(broker: Broker, clock: ShiftedClock, shifts: Shifts) {
    this.#broker = broker;
    this.#clock = clock;
    this.#shifts = shifts;
  }

  async append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    // Noted before: a record is never read without the time that it was appended at.
    await this.#note(tp);
    const appended = await this.#broker.append(tp, records);
    const ms = this.#shiftAt(tp, appended.firstOffset);
    return { ...appended, appendTimeMs: appended.appendTimeMs + ms };
  }

  async read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    const records = await this.#broker.read(tp, fromOffset, maxRecords);
    return records.map((record) => ({
      ...record,
      appendTimeMs: record.appendTimeMs + this.#shiftAt(tp, record.offset),
    }));
  }

  end(tp: TopicPartition): Promise<number> {
    return this.#broker.end(tp);
  }

  waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    return this.#broker.waitBeyond(tp, offset, timeoutMs);
  }

  erase(topic: Topic, key: string): Promise<number> {
    return this.#broker.erase(topic, key);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }

  async #note(tp: TopicPartition): Promise<void> {
    const ms = this.#clock.nowMs() - Date.now();
    const shifts = this.#shiftsOf(tp);
    if (Math.round(shifts.at(-1)?.ms ?? 0) === Math.round(ms)) return;
    shifts.push({ fromOffset: await this.#broker.end(tp), ms: Math.round(ms) });
  }

  #shiftAt(tp: TopicPartition, offset: number): number {
    return this.#shiftsOf(tp).findLast(({ fromOffset }) => fromOffset <= offset)?.ms ?? 0;
  }

  #shiftsOf(tp: TopicPartition): Shift[] {
    const key = partitionKey(tp);
    const known = this.#shifts.get(key) ?? [];
    this.#shifts.set(key, known);
    return known;
  }
}
