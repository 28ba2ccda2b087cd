import { timestampMs } from '@countersign/canonical';
import { DraftMap } from './draft-map.ts';
import type { Entry } from './entry.ts';
import { evolveQuota } from './evolve.ts';
import type { Tables } from './fold.ts';

/**
 * What the state digest leaves out, because it follows from the last entries: the answers of ten minutes, and how many
 * refusals a sender has used up in one.
 */
export class RecentEntries {
  readonly #tables: Pick<Tables, 'answered' | 'refusals'> = {
    answered: new DraftMap(),
    refusals: new DraftMap(),
  };

  /** In the order of the log. */
  note(entry: Entry, index: number): void {
    evolveQuota(this.#tables, entry);
    const input = 'input' in entry ? entry.input : undefined;
    if (input !== undefined) {
      this.#tables.answered.set(input, { atMs: timestampMs(entry.at), index });
    }
  }

  copyInto(tables: Pick<Tables, 'answered' | 'refusals'>): void {
    for (const [input, answer] of this.#tables.answered.entries()) {
      tables.answered.set(input, answer);
    }
    for (const [sender, count] of this.#tables.refusals.entries()) {
      tables.refusals.set(sender, count);
    }
  }
}
