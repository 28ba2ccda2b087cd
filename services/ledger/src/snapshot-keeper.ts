import { encodeEntry, type CommittedState, type LedgerState } from '@countersign/binding';
import { fromUtf8 } from '@countersign/canonical';
import type { CommitPlace } from './accepted-log.ts';
import type { LedgerClock } from './ledger-clock.ts';
import { encodeSnapshotHead } from './snapshot-head.ts';
import { SnapshotError, type SnapshotCode, type SnapshotStore } from './snapshot-store.ts';

/** How old a snapshot gets before the next one is worth its writing: also while a long log is read for the first time. */
const SNAPSHOT_EVERY_MS = 10_000;

export interface SnapshotKeeperOptions {
  readonly store: SnapshotStore;
  readonly clock: LedgerClock;
  readonly everyMs?: number;
  /** Why the last one could not be kept; undefined once one could. */
  readonly onOutcome: (code: SnapshotCode | undefined) => void;
}

interface Taken {
  readonly committed: CommittedState;
  readonly place: Omit<CommitPlace, 'state'>;
  readonly isWhole: boolean;
}

/**
 * Keeps a fold now and then, once the entry that commits to it is sealed; one at a time, beside everything else.
 *
 * Crash story: stopping before or within a save leaves the snapshot before it, or none: the next start reads more of the
 * log, or all of it. So a failure is no reason to stop, and nothing waits for this.
 */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #state: () => LedgerState;
  #taken: Taken | undefined;
  #saving: Promise<void> | undefined;
  #isWhole = true;
  #dueMs = 0;
  #isStopping = false;

  constructor(options: SnapshotKeeperOptions, state: () => LedgerState) {
    this.#options = options;
    this.#state = state;
  }

  /** The store holds the snapshot that the writer has started from. */
  noteStored(): void {
    this.#isWhole = false;
  }

  /** Takes the fold of an accepted state-committed entry, if it is time: what changes later is not in it. */
  offer({ state, genesis, resume }: CommitPlace): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#saving !== undefined || this.#taken !== undefined || nowMs < this.#dueMs) return;
    const committed = state.takeCommitted();
    if (committed === undefined) return;
    this.#taken = { committed, place: { genesis, resume }, isWhole: this.#isWhole };
    this.#dueMs = nowMs + (this.#options.everyMs ?? SNAPSHOT_EVERY_MS);
  }

  /** Everything up to this size is sealed. */
  noteSealed(size: number): void {
    const taken = this.#taken;
    if (taken === undefined || size <= taken.committed.parts.size) return;
    this.#taken = undefined;
    this.#saving = this.#save(taken).finally(() => {
      this.#saving = undefined;
    });
  }

  /** Waits for the changes that are being saved; a whole snapshot is given up. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#saving;
  }

  async #save({ committed, place, isWhole }: Taken): Promise<void> {
    try {
      const actions = this.#textsOf(committed.changes, isWhole);
      await this.#options.store.save({ head: headOf(committed, place), isWhole, actions });
      this.#isWhole = false;
      this.#options.onOutcome(undefined);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      // What has changed since the last one that is there is not known any more.
      this.#state().retakeAll();
      this.#isWhole = true;
      this.#options.onOutcome(error.code);
    }
  }

  *#textsOf(
    changes: CommittedState['changes'],
    isWhole: boolean,
  ): Generator<readonly [string, Uint8Array | undefined]> {
    for (const [id, kept] of changes) {
      if (isWhole && this.#isStopping) {
        throw new SnapshotError('SNAPSHOT_UNREADABLE', 'stopped before it was kept');
      }
      yield [id, kept?.bytes()];
    }
  }
}

function headOf(
  { parts }: CommittedState,
  { genesis, resume }: Omit<CommitPlace, 'state'>,
): Uint8Array {
  return encodeSnapshotHead({ state: parts, genesis: fromUtf8(encodeEntry(genesis)), resume });
}
