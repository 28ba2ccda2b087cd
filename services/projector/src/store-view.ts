import type { JsonObject } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import {
  DIGESTS_WANTED_MAX,
  ENTRY_PAGE_MAX,
  StoreError,
  type ReadModels,
  type StoreSignal,
} from '@countersign/store';
import type { EvidenceLevel } from './evidence.ts';
import { LogAnswers } from './log-answers.ts';
import type { LogProofs } from './log-proof.ts';
import { LogWaiters, type ActionWait } from './log-waiters.ts';
import { answerGroups, sealedEntry, type InputAnswer } from './sealed-answer.ts';

/** Further behind than this, those who wait are looked up one by one instead of every entry. */
const READ_ALONG_MAX = 5_000;
/** How many are answered at a time: each answer takes a few queries. */
const ANSWERS_AT_ONCE = 16;

export interface StoreViewOptions {
  readonly store: ReadModels;
  /** Of the same store, whoever writes it. */
  readonly signal: StoreSignal;
  readonly origin: string;
  /** All action types that this build can show. */
  readonly descriptors: readonly Descriptor[];
}

export interface StoreViewStatus {
  /** `waiting-store`: the store is away, and is asked again; `code` says why. */
  readonly state: 'starting' | 'following' | 'waiting-store' | 'stopped';
  /** Entries that the store holds: it holds sealed ones only. */
  readonly storedSize: number;
  readonly waiters: number;
  readonly code?: string;
}

/**
 * What a projector serves, out of the store alone: for a process that serves what projectors elsewhere have stored.
 * It reads along what is new, once for all who wait, and outlasts a store that is away.
 */
export class StoreView {
  readonly #store: ReadModels;
  readonly #signal: StoreSignal;
  readonly #answers: LogAnswers;
  readonly #waiters: LogWaiters;
  /** Up to where everybody who waits was told. */
  #told = { size: 0, quarantine: 0 };
  /** Somebody could not look, or we could not: everybody who waits is looked up. */
  #hasMissed = false;
  #state: StoreViewStatus['state'] = 'starting';
  #code: string | undefined;
  #isStopping = false;
  /** There may be news since we looked last. */
  #isDue = false;
  #wake: () => void = () => undefined;

  constructor({ store, signal, origin, descriptors }: StoreViewOptions) {
    this.#store = store;
    this.#signal = signal;
    this.#answers = new LogAnswers({ store, origin, descriptors });
    this.#waiters = new LogWaiters(() => {
      this.#hasMissed = true;
    });
  }

  get proofs(): LogProofs {
    return this.#answers.proofs;
  }

  get status(): StoreViewStatus {
    return {
      state: this.#state,
      storedSize: this.#told.size,
      waiters: this.#waiters.count,
      ...(this.#code !== undefined && { code: this.#code }),
    };
  }

  /**
   * Tells those who wait, until it is stopped. A store that cannot be read is waited for, whatever the reason: its state
   * is nothing that a reader could harm.
   */
  async run(): Promise<void> {
    const unsubscribe = this.#signal.onChange(() => {
      this.#isDue = true;
      this.#wake();
    });
    try {
      while (!this.#isStopping) {
        this.#isDue = false;
        await this.#look();
        await this.#due();
      }
    } finally {
      unsubscribe();
      this.#isStopping = true;
      this.#state = 'stopped';
    }
  }

  stop(): void {
    this.#isStopping = true;
    this.#wake();
  }

  /** Answers what came of an input, or undefined when nothing did in time. */
  async waitForInput(digest: string, timeoutMs: number): Promise<InputAnswer | undefined> {
    return this.#waiters.waitForInput(digest, timeoutMs, (wanted) => this.#answers.ofInput(wanted));
  }

  /** Answers the index of the newest stored entry about an action once it is beyond `since`. */
  async waitForAction(action: ActionWait, timeoutMs: number): Promise<number | undefined> {
    return this.#waiters.waitForAction(action, timeoutMs, this.#store);
  }

  /** Whether the store holds that many entries in time. */
  async waitForStored(size: number, timeoutMs: number): Promise<boolean> {
    return this.#waiters.waitForStored(size, timeoutMs, () => this.#told.size);
  }

  /** As the projector's: it is told by whoever asks the witnesses, through the store. */
  async waitForCosigned(size: number, timeoutMs: number): Promise<number | undefined> {
    return this.#waiters.waitForCosigned(size, timeoutMs, this.#store);
  }

  /**
   * Everything that proves the binding of an action, ready for a verifier without a network.
   *
   * @throws ProjectorError NOT_FOUND, NOT_SEALED, NOT_WITNESSED; StoreError STORE_UNAVAILABLE
   */
  async evidence(tenant: string, actionId: string, level?: EvidenceLevel): Promise<JsonObject> {
    return this.#answers.evidence(tenant, actionId, level);
  }

  async #due(): Promise<void> {
    if (this.#isDue || this.#isStopping) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  async #look(): Promise<void> {
    try {
      await this.#tellNews();
      this.#state = 'following';
      this.#code = undefined;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#hasMissed = true;
      this.#state = 'waiting-store';
      this.#code = error.code;
    }
  }

  /**
   * Who begins to wait after the position was read looks for himself at what it covers; who waited before is told here.
   * So nobody misses an entry, and none is read where nobody waits.
   */
  async #tellNews(): Promise<void> {
    const size = (await this.#store.logPosition())?.size ?? 0;
    const quarantine = await this.#store.sidePosition('quarantine');
    const told = this.#told;
    const hasMissed = this.#hasMissed || size - told.size > READ_ALONG_MAX;
    this.#hasMissed = false;
    if (this.#waiters.count > 0) {
      if (hasMissed) await this.#lookUpActions();
      else await this.#tellEntries(told.size, size);
      if (hasMissed || quarantine !== told.quarantine) await this.#lookUpInputs();
    }
    if (this.#waiters.hasCosigned) {
      this.#waiters.settleCosigned((await this.#store.cosigned())?.size ?? 0);
    }
    this.#told = { size, quarantine };
    this.#waiters.settleStored(size);
  }

  async #tellEntries(from: number, to: number): Promise<void> {
    for (let start = from; start < to; start += ENTRY_PAGE_MAX) {
      const rows = await this.#store.entries(start, Math.min(to - start, ENTRY_PAGE_MAX));
      const sealed = rows.map(sealedEntry);
      const groups = [...answerGroups(sealed)].filter(([digest]) => this.#waiters.hasInput(digest));
      await eachOf(groups, async ([digest, [first]]) => {
        if (first !== undefined) this.#settle(digest, await this.#answers.ofEntry(first.index));
      });
      this.#waiters.settleEntries(sealed);
    }
  }

  /** Of all who wait at once: what was refused has no place in the log that would tell it. */
  async #lookUpInputs(): Promise<void> {
    const wanted = this.#waiters.inputs;
    for (let start = 0; start < wanted.length; start += DIGESTS_WANTED_MAX) {
      const outcomes = await this.#store.inputs(wanted.slice(start, start + DIGESTS_WANTED_MAX));
      await eachOf([...outcomes], async ([digest, outcome]) => {
        const isEntry = outcome.kind === 'entry';
        this.#settle(digest, isEntry ? await this.#answers.ofEntry(outcome.index) : outcome);
      });
    }
  }

  async #lookUpActions(): Promise<void> {
    await eachOf(this.#waiters.actions, async ({ tenant, actionId }) => {
      const row = await this.#store.action(tenant, actionId);
      if (row !== undefined) this.#waiters.settleAction(tenant, actionId, row.lastIndex);
    });
  }

  #settle(digest: string, answer: InputAnswer | undefined): void {
    if (answer !== undefined) this.#waiters.settleInput(digest, answer);
  }
}

async function eachOf<T>(all: readonly T[], one: (each: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < all.length; start += ANSWERS_AT_ONCE) {
    await Promise.all(all.slice(start, start + ANSWERS_AT_ONCE).map(one));
  }
}
