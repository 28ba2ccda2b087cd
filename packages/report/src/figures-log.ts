import type { Entry, EntryType } from '@countersign/binding';
import { DecisionFigures, type PersonFigures } from './figures.ts';

/** From the first moment to the first one after it, by the clock of the ledger. */
export interface FiguresScope {
  readonly from?: string;
  readonly to?: string;
  readonly actionId?: string;
  readonly person?: string;
}

const ENDS: ReadonlySet<string> = new Set<EntryType>([
  'binding-made',
  'request-denied',
  'request-expired',
]);

/**
 * How people decided, out of the entries of a log, in its order and from the first on. What is held are the requests that are open at
 * one time, which the ledger bounds, and the times of the period.
 */
export class FiguresLog {
  readonly #scope: FiguresScope;
  readonly #figures = new DecisionFigures();
  /** When what is open was asked for. */
  readonly #askedAt = new Map<string, string>();

  constructor(scope: FiguresScope) {
    this.#scope = scope;
  }

  /** @throws ReportError REPORT_TOO_LARGE */
  note(entry: Entry): void {
    if (entry.type === 'request-admitted') {
      if (entry.supersedes !== undefined) this.#askedAt.delete(entry.supersedes);
      this.#askedAt.set(entry.action_id, entry.at);
    } else if (entry.type === 'decision-accepted') this.#decided(entry);
    else if (entry.type === 'binding-revoked') {
      this.#decided(entry);
      this.#askedAt.delete(entry.action_id);
    } else if (ENDS.has(entry.type) && 'action_id' in entry) {
      this.#askedAt.delete(entry.action_id ?? '');
    }
  }

  get persons(): readonly PersonFigures[] {
    return this.#figures.persons;
  }

  #decided(entry: Extract<Entry, { type: 'decision-accepted' | 'binding-revoked' }>): void {
    const { action_id: actionId, at, statement } = entry;
    const { person, verdict } = statement;
    const load = entry.type === 'decision-accepted' ? entry.load : undefined;
    const { from = '', to, actionId: only, person: whose } = this.#scope;
    // Times of the ledger are compared as text: schemas/formats/canonical-json.md §8.
    const isIn = at >= from && (to === undefined || at < to);
    if (!isIn || (only ?? actionId) !== actionId || (whose ?? person) !== person) return;
    this.#figures.note({ person, verdict, at, askedAt: this.#askedAt.get(actionId) ?? at, load });
  }
}
