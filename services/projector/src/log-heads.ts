import type { CheckpointRow, ReadModels } from '@countersign/store';
import { ProjectorError } from './projector-error.ts';

type HeadStore = Pick<ReadModels, 'checkpoint' | 'checkpointWithin' | 'entries'>;

/** The signed heads of the log that the store holds: those that anybody may have been given. */
export class LogHeads {
  readonly #store: HeadStore;

  constructor(store: HeadStore) {
    this.#store = store;
  }

  /** @throws ProjectorError NOT_SEALED where there is none yet */
  async newest(): Promise<CheckpointRow> {
    const newest = await this.#store.checkpoint();
    if (newest !== undefined) return newest;
    throw new ProjectorError('NOT_SEALED', 'expected a signed head, got none yet');
  }

  /**
   * The head of exactly this size; the newest one for none. Proofs against other sizes lead to roots that nobody has signed.
   *
   * @throws ProjectorError SIZE_BEYOND_LOG, SIZE_NOT_PUBLISHED, NOT_SEALED
   */
  async ofSize(size: number | undefined): Promise<CheckpointRow> {
    if (size === undefined) return this.newest();
    const next = await this.#store.checkpoint(size);
    if (next?.size === size) return next;
    if (next === undefined) throw beyondLog(size, (await this.newest()).size);
    const before = (await this.#store.checkpointWithin(size))?.size;
    const nearest = before === undefined ? `${next.size}` : `${before} or ${next.size}`;
    throw new ProjectorError(
      'SIZE_NOT_PUBLISHED',
      `size: expected that of a signed head, of which ${nearest} are the nearest, got ${size}`,
    );
  }

  /** The oldest head that holds the entry. @throws ProjectorError INDEX_BEYOND_SIZE, NOT_SEALED */
  async covering(index: number): Promise<CheckpointRow> {
    const head = await this.#store.checkpoint(index + 1);
    if (head !== undefined) return head;
    const { size } = await this.newest();
    throw new ProjectorError(
      'INDEX_BEYOND_SIZE',
      `index: expected less than the ${size} entries of the log, got ${index}`,
    );
  }

  /**
   * The newest head whose last entry is of this time or before. A head has no time of its own; its last entry has, and the ledger's
   * time never goes back, so nobody needs to believe the answer who reads that entry and the one after it.
   *
   * @throws ProjectorError NOT_FOUND where the log began later
   */
  async at(timestamp: string): Promise<CheckpointRow> {
    const { size } = await this.newest();
    let [from, to] = [0, size];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const [entry] = await this.#store.entries(middle, 1);
      if (entry === undefined || entry.at > timestamp) to = middle;
      else from = middle + 1;
    }
    const head = await this.#store.checkpointWithin(from);
    if (head !== undefined) return head;
    throw new ProjectorError(
      'NOT_FOUND',
      'at: expected a time at which the log had a signed head, got an earlier one',
    );
  }
}

export function beyondLog(got: number, size: number): ProjectorError {
  return new ProjectorError(
    'SIZE_BEYOND_LOG',
    `size: expected at most ${size}, the size of the newest signed head, got ${got}`,
  );
}
