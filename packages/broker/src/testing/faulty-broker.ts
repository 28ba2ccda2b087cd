import type {
  Appended,
  Broker,
  NewRecord,
  StoredRecord,
  Topic,
  TopicPartition,
} from '../broker.ts';
import { BrokerError } from '../broker-error.ts';
import { partitionKey } from '../end-waiters.ts';
import { MemoryBroker, MemoryDisk } from '../memory-broker.ts';
import { ownHeaders } from '../record-headers.ts';
import { assertAppendable } from '../record-limits.ts';
import { SeededRandom } from './seeded-random.ts';

/** Probabilities, each in [0, 1]. */
export interface FaultRates {
  /** The append fails before it had any effect: retryable. */
  readonly failBefore: number;
  /** The append is stored and its reply is lost: indefinite. */
  readonly loseReply: number;
  /** The append is reported as indefinite, and stored some operations later, or never. */
  readonly landLate: number;
  readonly readError: number;
  /** A read returns fewer records than there are. */
  readonly shortRead: number;
  /** The operation waits for a few turns first, so that others overtake it. */
  readonly delay: number;
}

export const NO_FAULTS: FaultRates = {
  failBefore: 0,
  loseReply: 0,
  landLate: 0,
  readError: 0,
  shortRead: 0,
  delay: 0,
};

const MAX_DELAY_TURNS = 8;

/** What outlives a crash: what is stored, and what is still under way on the wire to it. */
export class FaultyDisk {
  readonly memory: MemoryDisk = new MemoryDisk();
  readonly #underWay: (() => Promise<unknown>)[] = [];

  sendLate(landing: () => Promise<unknown>): void {
    this.#underWay.push(landing);
  }

  async landSome(random: SeededRandom): Promise<void> {
    while (this.#underWay.length > 0 && random.chance(0.5)) await this.#underWay.shift()?.();
  }

  /** Everything under way arrives now. */
  async landAll(): Promise<void> {
    for (const landing of this.#underWay.splice(0)) await landing();
  }
}

export interface FaultyBrokerOptions {
  readonly seed: number;
  readonly clock: () => number;
  readonly faults?: FaultRates;
  readonly disk?: FaultyDisk;
  /** Waits for some turns of the simulation; by default of the microtask queue, so that a seed replays. */
  readonly pause?: (turns: number) => Promise<void>;
}

/**
 * A broker that fails as a real one may, by a seeded plan. Whatever happens, it keeps the contract: a resolved append is stored, whole,
 * in order; only an append that was rejected as indefinite, or was unresolved at a crash, may or may not be there, now or later.
 * To restart after a crash, open another one on the same disk.
 */
export class FaultyBroker implements Broker {
  readonly #random: SeededRandom;
  readonly #disk: FaultyDisk;
  readonly #store: MemoryBroker;
  readonly #pause: (turns: number) => Promise<void>;
  readonly #lastAppend = new Map<string, Promise<unknown>>();
  readonly #outstanding = new Set<Promise<unknown>>();
  #faults: FaultRates;
  #state: 'open' | 'fenced' | 'crashed' | 'closed' = 'open';

  constructor(options: FaultyBrokerOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#disk = options.disk ?? new FaultyDisk();
    this.#store = new MemoryBroker({ clock: options.clock, disk: this.#disk.memory });
    this.#faults = options.faults ?? NO_FAULTS;
    this.#pause = options.pause ?? microtasks;
  }

  setFaults(faults: FaultRates): void {
    this.#faults = faults;
  }

  /** The process dies here: nobody hears of what is outstanding, and each unresolved append may or may not survive. */
  crash(): void {
    this.#state = 'crashed';
  }

  /** Another writer took over. Reads go on. */
  fence(): void {
    if (this.#state === 'open') this.#state = 'fenced';
  }

  async append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    this.#assertUsable();
    assertAppendable(records);
    if (this.#state === 'fenced')
      throw new BrokerError('BROKER_FENCED', 'expected the newest epoch');
    const copies = records.map((record) => ({
      key: record.key,
      value: new Uint8Array(record.value),
      ...ownHeaders(record),
    }));
    const key = partitionKey(tp);
    const before = this.#lastAppend.get(key) ?? Promise.resolve();
    const appended = before.then(() => this.#appendNow(tp, copies));
    this.#lastAppend.set(
      key,
      appended.catch(() => undefined),
    );
    return this.#track(appended);
  }

  async read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    return this.#observe(async () => {
      const short = this.#random.chance(this.#faults.shortRead);
      const count = short ? 1 + this.#random.below(maxRecords) : maxRecords;
      return this.#store.read(tp, fromOffset, count);
    });
  }

  async end(tp: TopicPartition): Promise<number> {
    return this.#observe(() => this.#store.end(tp));
  }

  async waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    this.#assertUsable();
    if (this.#random.chance(this.#faults.readError)) throw unavailable();
    return this.#store.waitBeyond(tp, offset, timeoutMs);
  }

  /** A lost reply is reported as indefinite; to erase again is harmless. */
  async erase(topic: Topic, key: string): Promise<number> {
    this.#assertUsable();
    const { failBefore, loseReply } = this.#faults;
    if (this.#random.chance(failBefore)) throw unavailable();
    const erased = await this.#store.erase(topic, key);
    if (this.#random.chance(loseReply)) throw indefinite();
    return erased;
  }

  async close(): Promise<void> {
    if (this.#state !== 'crashed') this.#state = 'closed';
    await Promise.allSettled(this.#outstanding);
    await this.#store.close();
  }

  async #appendNow(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    await this.#maybeDelay();
    await this.#disk.landSome(this.#random);
    const { failBefore, loseReply, landLate } = this.#faults;
    if (this.#random.chance(failBefore)) throw unavailable();
    // After a crash this is the request that had already left the process: it may still arrive, but nobody gets the reply.
    if (this.#state === 'crashed') {
      if (this.#random.chance(0.5)) await this.#store.append(tp, records);
      throw indefinite();
    }
    if (this.#random.chance(landLate)) {
      if (this.#random.chance(0.7)) this.#disk.sendLate(() => this.#store.append(tp, records));
      throw indefinite();
    }
    const appended = await this.#store.append(tp, records);
    if (this.#random.chance(loseReply)) throw indefinite();
    return appended;
  }

  async #observe<T>(look: () => Promise<T>): Promise<T> {
    this.#assertUsable();
    const seen = (async (): Promise<T> => {
      await this.#maybeDelay();
      await this.#disk.landSome(this.#random);
      if (this.#random.chance(this.#faults.readError)) throw unavailable();
      return look();
    })();
    return this.#track(seen);
  }

  async #track<T>(operation: Promise<T>): Promise<T> {
    this.#outstanding.add(operation);
    try {
      return await operation;
    } finally {
      this.#outstanding.delete(operation);
    }
  }

  async #maybeDelay(): Promise<void> {
    if (!this.#random.chance(this.#faults.delay)) return;
    await this.#pause(1 + this.#random.below(MAX_DELAY_TURNS));
  }

  #assertUsable(): void {
    if (this.#state === 'crashed' || this.#state === 'closed') {
      throw new BrokerError(
        'BROKER_CLOSED',
        `expected an open broker, got one that is ${this.#state}`,
      );
    }
  }
}

async function microtasks(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

function unavailable(): BrokerError {
  return new BrokerError(
    'BROKER_UNAVAILABLE',
    'the fault plan failed this operation before its effect',
  );
}

function indefinite(): BrokerError {
  return new BrokerError('BROKER_INDEFINITE', 'the fault plan lost the reply');
}
