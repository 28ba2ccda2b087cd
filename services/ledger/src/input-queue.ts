import { authenticate, type LedgerState } from '@countersign/binding';
import type { Broker, StoredRecord, TopicPartition } from '@countersign/broker';
import type { VerifySignature } from '@countersign/canonical';
import { LedgerError } from '@countersign/log-reader';
import { traceContextOf } from '@countersign/tracing';
import type { PreparedInput } from './batch-draft.ts';
import { rawInput } from './intake-input.ts';
import type { Patience } from './patience.ts';

/** Inputs read, and their signatures checked, at a time. */
const INPUTS_PER_READ = 512;
/** Beyond it nothing more is read ahead. */
const INPUTS_AHEAD_MAX = 1_024;
/** A broker that has just changed its leader may tell an older end for a moment. */
const END_TRIES = 250;
/** How long one wait for inputs lasts; only a stop has to wait for its end. */
const IDLE_WAIT_MS = 250;

export interface InputQueueOptions {
  readonly broker: Broker;
  readonly tp: TopicPartition;
  readonly patience: Patience;
  readonly verifySignature: VerifySignature;
}

/**
 * The inputs that come next, with their signatures checked; it reads ahead while a batch is being written.
 * Nothing leaves it before the batch that answers it is the accepted head.
 */
export class InputQueue {
  readonly #options: InputQueueOptions;
  #items: PreparedInput[] = [];
  #readOffset: number;
  #filling: Promise<void> | undefined;
  /** What was read before a reset counts for nothing after it. */
  #generation = 0;

  constructor(options: InputQueueOptions, fromOffset: number) {
    this.#options = options;
    this.#readOffset = fromOffset;
  }

  /** The next offset that is not yet decided. */
  get offset(): number {
    return this.#items[0]?.offset ?? this.#readOffset;
  }

  /**
   * Everything from this offset on is to be decided again. What the log says was decided must have been there to be read: in
   * an intake that was put back, or made anew, the next inputs would come to offsets that count as decided, and be passed over.
   *
   * @throws LedgerError INTAKE_ROLLBACK
   */
  async restart(offset: number): Promise<void> {
    this.#generation += 1;
    this.#items = [];
    this.#readOffset = offset;
    this.#filling = undefined;
    const { broker, tp, patience } = this.#options;
    for (let tries = END_TRIES; ; tries -= 1) {
      const end = await patience.read(() => broker.end(tp));
      if (end >= offset) return;
      if (tries === 0) {
        throw new LedgerError(
          'INTAKE_ROLLBACK',
          `expected an intake of at least ${offset} inputs, which the log says were decided, got ${end}`,
        );
      }
      await patience.pause();
    }
  }

  consume(count: number): void {
    this.#items.splice(0, count);
  }

  /** Waits a while for inputs. All of them are checked with keys of the authority that is in force. */
  async next(state: LedgerState): Promise<readonly PreparedInput[]> {
    const { broker, tp, patience } = this.#options;
    await this.#filling;
    if (this.#items.length === 0) {
      const hasMore = await patience.read(() =>
        broker.waitBeyond(tp, this.#readOffset, IDLE_WAIT_MS),
      );
      if (!hasMore) return [];
      this.prefetch(state);
      await this.#filling;
    }
    await this.#refresh(state);
    return this.#items;
  }

  /** Reads and checks what waits, alongside whatever the caller goes on to do. */
  prefetch(state: LedgerState): void {
    if (this.#filling !== undefined || this.#items.length >= INPUTS_AHEAD_MAX) return;
    const filling = this.#fill(state).finally(() => {
      if (this.#filling === filling) this.#filling = undefined;
    });
    // Whoever asks for the next inputs gets the failure; until then it must not count as unhandled.
    filling.catch(() => undefined);
    this.#filling = filling;
  }

  async #fill(state: LedgerState): Promise<void> {
    const { broker, tp, patience } = this.#options;
    const generation = this.#generation;
    const records = await patience.read(() => broker.read(tp, this.#readOffset, INPUTS_PER_READ));
    const items = await Promise.all(records.map((record) => this.#prepare(record, state)));
    const last = items.at(-1);
    if (generation !== this.#generation || last === undefined) return;
    this.#items.push(...items);
    this.#readOffset = last.offset + 1;
  }

  async #prepare(record: StoredRecord, state: LedgerState): Promise<PreparedInput> {
    const raw = rawInput(record);
    const { offset, headers } = record;
    if (raw === undefined) return { offset };
    const trace = traceContextOf(headers);
    const checked = await this.#check(raw, state);
    return { offset, checked, ...(trace !== undefined && { trace }) };
  }

  async #check(
    raw: Required<PreparedInput>['checked']['raw'],
    state: LedgerState,
  ): Promise<Required<PreparedInput>['checked']> {
    const { authority } = state;
    const result = await authenticate(raw, state, this.#options.verifySignature);
    return { raw, result, authority };
  }

  /** An authority that changed since may name other keys, or none. */
  async #refresh(state: LedgerState): Promise<void> {
    const generation = this.#generation;
    const items = await Promise.all(
      this.#items.map(async (item) =>
        item.checked === undefined || item.checked.authority === state.authority
          ? item
          : { ...item, checked: await this.#check(item.checked.raw, state) },
      ),
    );
    if (generation === this.#generation) this.#items = items;
  }
}
