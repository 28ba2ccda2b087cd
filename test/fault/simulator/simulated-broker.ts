import {
  BrokerError,
  MAX_READ_BYTES,
  assertAppendable,
  assertErasable,
  assertReadable,
  ownHeaders,
  partitionKey,
  type Appended,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';
import type { SeededChoice } from './seeded-choice.ts';
import { NETWORK, type Schedule, type Task } from './schedule.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** Probabilities, each in [0, 1]; changed while the simulation runs. */
export interface BrokerFaults {
  /** The append had no effect, and says so. */
  refuse: number;
  /** It had its effect, and the answer is lost. */
  loseAnswer: number;
  /** Nobody hears of it any more. */
  lose: number;
  /** Its answer is lost, and it arrives later: perhaps after others. */
  landLate: number;
  readError: number;
  shortRead: number;
  /** What was read is old when it arrives. */
  staleRead: number;
  isAway: boolean;
}

export const NO_BROKER_FAULTS: BrokerFaults = {
  refuse: 0,
  loseAnswer: 0,
  lose: 0,
  landLate: 0,
  readError: 0,
  shortRead: 0,
  staleRead: 0,
  isAway: false,
};

export interface SimulatedBrokerParts {
  readonly owner: string;
  readonly disk: SimulatedDisk;
  readonly schedule: Schedule;
  readonly time: SimulatedTime;
  readonly random: SeededChoice;
  readonly faults: BrokerFaults;
  /** Of an append that was on its way when its process died: whether it arrives. */
  readonly survives: () => boolean;
}

/**
 * One process's broker. Whatever happens, it keeps the contract of the port: a resolved append is durable,
 * whole and in order; only one that was rejected as indefinite, or was unresolved when its process died, may
 * or may not be there, now or later. Each call has its effect and its answer as two events.
 */
export class SimulatedBroker implements Broker {
  readonly #parts: SimulatedBrokerParts;
  /** Appends of this client to one partition arrive in the order in which they were issued. */
  readonly #channels = new Map<string, Task[]>();
  readonly #issued = new Set<Promise<unknown>>();
  #state: 'open' | 'fenced' | 'closed' = 'open';

  constructor(parts: SimulatedBrokerParts) {
    this.#parts = parts;
  }

  /** Another writer took over. Reads go on. */
  fence(): void {
    if (this.#state === 'open') this.#state = 'fenced';
  }

  async append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    this.#assertOpen();
    assertAppendable(records);
    if (this.#state === 'fenced')
      throw new BrokerError('BROKER_FENCED', 'expected the newest epoch');
    const copies = records.map((record) => ({
      key: record.key,
      value: new Uint8Array(record.value),
      ...ownHeaders(record),
    }));
    const { disk, schedule, owner, survives } = this.#parts;
    const channel = this.#channelOf(tp);
    return this.#issue((resolve, reject) => {
      const task: Task = {
        owner,
        label: `append ${tp.topic} ${copies.length}`,
        isReady: () => channel[0] === task,
        run: () => {
          channel.shift();
          const fate = this.#fateOfAppend();
          if (fate === 'refused')
            return this.#answer(fate, () => {
              reject(unavailable());
            });
          if (fate === 'late') this.#land(tp, copies);
          if (fate === 'late' || fate === 'lost')
            return this.#answer(fate, () => {
              reject(indefinite());
            });
          const appended = disk.append(tp, copies);
          if (fate === 'unheard')
            return this.#answer(fate, () => {
              reject(indefinite());
            });
          this.#answer(fate, () => {
            resolve(appended);
          });
          return `at ${appended.firstOffset}`;
        },
        onCrash: () => {
          if (survives()) this.#land(tp, copies);
        },
      };
      channel.push(task);
      schedule.add(task);
    });
  }

  async read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    assertReadable(fromOffset, maxRecords);
    const { disk, random, faults } = this.#parts;
    return this.#look(`read ${tp.topic} ${fromOffset}`, () => {
      const isShort = random.chance(faults.shortRead);
      const count = isShort ? 1 + random.below(Math.min(maxRecords, 4)) : maxRecords;
      const found: StoredRecord[] = [];
      let bytes = 0;
      for (const record of disk
        .recordsOf(tp.topic, tp.partition)
        .slice(fromOffset, fromOffset + count)) {
        bytes += record.value?.length ?? 0;
        if (found.length > 0 && bytes > MAX_READ_BYTES) break;
        found.push({ ...record, value: record.value && new Uint8Array(record.value) });
      }
      return { value: found, says: String(found.length) };
    });
  }

  end(tp: TopicPartition): Promise<number> {
    const { disk } = this.#parts;
    return this.#look(`end ${tp.topic}`, () => {
      const end = disk.recordsOf(tp.topic, tp.partition).length;
      return { value: end, says: String(end) };
    });
  }

  async waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    this.#assertOpen();
    const { disk, schedule, owner, time, faults, random } = this.#parts;
    const deadlineMs = time.nowMs + timeoutMs;
    const isBeyond = (): boolean => disk.recordsOf(tp.topic, tp.partition).length > offset;
    return this.#issue((resolve, reject) => {
      schedule.add({
        owner,
        label: `wait ${tp.topic} ${offset}`,
        isReady: () =>
          faults.isAway || time.nowMs >= deadlineMs || isBeyond() || this.#state === 'closed',
        run: () => {
          const fault =
            this.#waitFault() ?? (random.chance(faults.readError) ? unavailable() : undefined);
          if (fault !== undefined) {
            reject(fault);
            return fault.code;
          }
          resolve(isBeyond());
          return isBeyond() ? 'beyond' : 'in vain';
        },
      });
    });
  }

  async erase(topic: Topic, key: string): Promise<number> {
    this.#assertOpen();
    assertErasable(topic);
    const { disk, schedule, owner, random, faults } = this.#parts;
    return this.#issue((resolve, reject) => {
      schedule.add({
        owner,
        label: `erase ${topic}`,
        isReady: () => true,
        run: () => {
          if (faults.isAway || random.chance(faults.refuse)) {
            return this.#answer('refused', () => {
              reject(unavailable());
            });
          }
          const erased = disk.erase(topic, key);
          const isUnheard = random.chance(faults.loseAnswer);
          this.#answer('erased', () => {
            if (isUnheard) reject(indefinite());
            else resolve(erased);
          });
          return `${erased}${isUnheard ? ' unheard' : ''}`;
        },
      });
    });
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await Promise.allSettled(this.#issued);
  }

  #issue<T>(
    start: (resolve: (value: T) => void, reject: (error: BrokerError) => void) => void,
  ): Promise<T> {
    const call = new Promise<T>(start);
    this.#issued.add(call);
    const leave = (): void => {
      this.#issued.delete(call);
    };
    call.then(leave, leave);
    return call;
  }

  #fateOfAppend(): 'refused' | 'late' | 'lost' | 'unheard' | 'stored' {
    const { random, faults } = this.#parts;
    if (faults.isAway || random.chance(faults.refuse)) return 'refused';
    if (random.chance(faults.landLate)) return 'late';
    if (random.chance(faults.lose)) return 'lost';
    return random.chance(faults.loseAnswer) ? 'unheard' : 'stored';
  }

  /** It left the process; it arrives whenever its turn comes. */
  #land(tp: TopicPartition, records: readonly NewRecord[]): void {
    const { schedule, disk } = this.#parts;
    schedule.add({
      owner: NETWORK,
      label: `land ${tp.topic} ${records.length}`,
      isReady: () => true,
      run: () => `at ${disk.append(tp, records).firstOffset}`,
    });
  }

  #answer(says: string, settle: () => void): string {
    const { schedule, owner } = this.#parts;
    schedule.add({
      owner,
      label: 'answer',
      isReady: () => true,
      run: () => {
        settle();
        return says;
      },
    });
    return says;
  }

  async #look<T>(label: string, look: () => { value: T; says: string }): Promise<T> {
    this.#assertOpen();
    const { schedule, owner, random, faults } = this.#parts;
    return this.#issue((resolve, reject) => {
      schedule.add({
        owner,
        label,
        isReady: () => true,
        run: () => {
          const fault =
            this.#readFault() ?? (random.chance(faults.readError) ? unavailable() : undefined);
          if (fault !== undefined) {
            reject(fault);
            return fault.code;
          }
          const { value, says } = look();
          if (!random.chance(faults.staleRead)) {
            resolve(value);
            return says;
          }
          return this.#answer(`${says} stale`, () => {
            resolve(value);
          });
        },
      });
    });
  }

  #readFault(): BrokerError | undefined {
    return this.#parts.faults.isAway ? unavailable() : undefined;
  }

  #waitFault(): BrokerError | undefined {
    return this.#state === 'closed' ? closed() : this.#readFault();
  }

  #channelOf(tp: TopicPartition): Task[] {
    const key = partitionKey(tp);
    const channel = this.#channels.get(key) ?? [];
    this.#channels.set(key, channel);
    return channel;
  }

  #assertOpen(): void {
    if (this.#state === 'closed') throw closed();
  }
}

function unavailable(): BrokerError {
  return new BrokerError('BROKER_UNAVAILABLE', 'the simulation failed this call before its effect');
}

function indefinite(): BrokerError {
  return new BrokerError('BROKER_INDEFINITE', 'the simulation lost the answer');
}

function closed(): BrokerError {
  return new BrokerError('BROKER_CLOSED', 'expected an open broker, got a closed one');
}
