import {
  DEFAULT_LIMITS,
  boundChangeIn,
  keeps,
  quotaSenderOf,
  type ArrivalPromise,
  type Entry,
} from '@countersign/binding';
import { formatTimestamp, timestampMs } from '@countersign/canonical';

/** What became of a promise: schemas/formats/arrival-promise.md §4. */
export type PromiseOutcome =
  | { readonly outcome: 'VALID'; readonly index: number; readonly detail: string }
  | {
      readonly outcome: 'REFUSED';
      readonly code: 'PROMISE_BROKEN' | 'PROMISE_LATE';
      readonly index?: number;
      readonly detail: string;
    }
  | {
      readonly outcome: 'INDETERMINATE';
      readonly code: 'PROMISE_OPEN' | 'PROMISE_NOT_OWED';
      readonly index?: number;
      readonly detail: string;
    };

interface Place {
  readonly index: number;
  readonly at: string;
}

/** What the clocks of a gateway and of the ledger may differ by, as much as stops a writer (CLOCK_JUMP); and a whole minute of a quota. */
const BEFORE_MS = 60_000 + 60_000;
const MINUTE = '2026-11-29T10:00'.length;

/** Follows a log for what a promise is kept by, or for why nothing was owed. Entries are given in their order. */
export class PromiseWatch {
  readonly #promise: ArrivalPromise;
  readonly #from: string;
  #kept: Place | undefined;
  #excuse: { readonly index: number; readonly why: string } | undefined;
  #isAdmitted = false;
  #refusals = { minute: '', count: 0 };
  #lastAt = '';

  constructor(promise: ArrivalPromise) {
    this.#promise = promise;
    this.#from = formatTimestamp(timestampMs(promise.arrived_at) - BEFORE_MS);
  }

  note(
    entry: Entry,
    { index, bytes }: { readonly index: number; readonly bytes: Uint8Array },
  ): void {
    const { at } = entry;
    this.#lastAt = at;
    if (this.#kept === undefined && keeps(entry, this.#promise)) this.#kept = { index, at };
    if (at > this.#promise.logged_by) return;
    if (entry.type === 'request-admitted' && entry.action_id === this.#promise.action_id) {
      this.#isAdmitted = true;
    }
    if (at < this.#from) return;
    const why = this.#quotaSpent(entry) ?? this.#gone(entry, bytes);
    if (why !== undefined) this.#excuse ??= { index, why };
  }

  /** By what was noted so far, which has to be all entries under one head. */
  get outcome(): PromiseOutcome {
    const { logged_by: loggedBy, kind } = this.#promise;
    const kept = this.#kept;
    if (kept !== undefined && kept.at <= loggedBy) {
      return { outcome: 'VALID', index: kept.index, detail: `kept by entry ${kept.index}` };
    }
    if (this.#lastAt <= loggedBy) {
      const detail = `the log ends at ${this.#lastAt}, and the promise runs until ${loggedBy}`;
      return { outcome: 'INDETERMINATE', code: 'PROMISE_OPEN', detail };
    }
    if (kept !== undefined) {
      const { index } = kept;
      const detail = `entry ${index} is of ${kept.at}, and was promised by ${loggedBy}`;
      return { outcome: 'REFUSED', code: 'PROMISE_LATE', index, detail };
    }
    const code = 'PROMISE_NOT_OWED';
    if (this.#excuse !== undefined) {
      const { index, why: detail } = this.#excuse;
      return { outcome: 'INDETERMINATE', code, index, detail };
    }
    if (kind === 'decision' && !this.#isAdmitted) {
      const detail =
        'no request of this action was admitted, and decisions wait for one in a bounded queue';
      return { outcome: 'INDETERMINATE', code, detail };
    }
    const detail = `no entry answers it, and the log has gone on to ${this.#lastAt}`;
    return { outcome: 'REFUSED', code: 'PROMISE_BROKEN', detail };
  }

  /** Beyond so many refusals a minute, the ledger answers a sender with nothing. */
  #quotaSpent(entry: Entry): string | undefined {
    const { sender } = this.#promise;
    if (quotaSenderOf(entry) !== sender) return undefined;
    const minute = entry.at.slice(0, MINUTE);
    const count = this.#refusals.minute === minute ? this.#refusals.count + 1 : 1;
    this.#refusals = { minute, count };
    if (count < DEFAULT_LIMITS.refusalsPerMinuteMax) return undefined;
    return `QUOTA_EXCEEDED: ${sender} had used up its refusals of ${minute}`;
  }

  /** What arrives from who is no member any more, or with content that is erased, leaves no entry. */
  #gone(entry: Entry, bytes: Uint8Array): string | undefined {
    const { sender, kind, action_id: actionId } = this.#promise;
    if (entry.type === 'content-erased') {
      const isOfIt = entry.action_id === actionId && (kind === 'request' || kind === 'decision');
      return isOfIt
        ? 'CONTENT_ERASED: its action was erased, and what waited for it too'
        : undefined;
    }
    if (entry.type !== 'authority-changed') return undefined;
    const change = boundChangeIn(bytes);
    if (change?.kind !== 'agent-revoked' && change?.kind !== 'executor-revoked') return undefined;
    const gone = `${change.kind === 'agent-revoked' ? 'agent' : 'executor'} ${change.id}`;
    return gone === sender ? `REVOKED: ${sender} was revoked then` : undefined;
  }
}
