import { StoreError, type ChangeSet, type ReadModels } from '@countersign/store';
import type { FollowerClock } from './follower.ts';

/** How long one that was too late leaves the next change set to whoever was faster. */
const STAND_BACK_MS = 1_000;

export interface WritingTurnOptions {
  readonly store: ReadModels;
  readonly clock: FollowerClock;
  /** Where the store stands in the topic. */
  readonly position: () => Promise<number>;
}

/**
 * Lets one of several projectors do the work. Nobody is chosen: whoever is first stays it, and whoever once was too late
 * stands back before it writes, and writes only if nobody else has by then. Two who write at once are told apart by
 * the store.
 */
export class WritingTurn {
  readonly #options: WritingTurnOptions;
  #standsBack = false;

  constructor(options: WritingTurnOptions) {
    this.#options = options;
  }

  /** @throws StoreError STORE_MOVED: go on from where the store stands */
  async apply(from: number, changes: ChangeSet): Promise<void> {
    const { store, clock, position } = this.#options;
    if (this.#standsBack) {
      await clock.sleep(STAND_BACK_MS);
      const at = await position();
      if (at !== from) throw new StoreError('STORE_MOVED', `expected ${from}, got ${at}`);
    }
    try {
      await store.apply(changes);
      this.#standsBack = false;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE_MOVED') this.#standsBack = true;
      throw error;
    }
  }
}
