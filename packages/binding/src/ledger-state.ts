import { digestOf, timestampMs, type Digest } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import { isForgettable, type ActionRecord } from './action-record.ts';
import type { AuthorityState } from './authority.ts';
import { invariant } from './binding-error.ts';
import type { Deadline } from './deadline-queue.ts';
import type { Decided } from './decided.ts';
import type { Entry } from './entry.ts';
import { evolveEntry, evolveGenesis } from './evolve.ts';
import type { AuthorityRef } from './field-shape.ts';
import {
  DEFAULT_LIMITS,
  commitTables,
  tablesOver,
  type Head,
  type LedgerLimits,
  type Position,
  type Tables,
} from './fold.ts';
import type { HeldInput } from './held-input.ts';
import { jsonOf } from './json-bytes.ts';
import type { Policy } from './policy.ts';

const ANSWERS_KEPT_MS = 600_000;

/**
 * The draft in which a decision was made: applying the decision to the state that it was made on takes it over,
 * instead of folding the same entries a second time.
 */
const drafts = new WeakMap<Decided, LedgerState>();

export function rememberDraft(decided: Decided, draft: LedgerState): void {
  drafts.set(decided, draft);
}

export interface LedgerOptions {
  /** All action types that this build can show; the authority says which are allowed. */
  readonly descriptors: readonly Descriptor[];
  readonly limits?: Partial<LedgerLimits>;
}

/**
 * The fold of a log. `decide` reads it and never changes it; `evolve` and `apply` change it in place, which
 * is why a writer works on a `draft()`: `commit()` it once its batch is the accepted head, or drop it. A
 * state MUST NOT change while a draft of it is in use.
 */
export class LedgerState {
  readonly descriptors: ReadonlyMap<Digest, Descriptor>;
  readonly limits: LedgerLimits;
  readonly tables: Tables;
  readonly #below: LedgerState | undefined;
  readonly #belowVersion: number;
  #head: Head | undefined;
  #held: readonly HeldInput[];
  #version = 0;

  private constructor(
    options: Pick<LedgerState, 'descriptors' | 'limits'>,
    below: LedgerState | undefined,
  ) {
    this.descriptors = options.descriptors;
    this.limits = options.limits;
    this.#below = below;
    this.#belowVersion = below === undefined ? 0 : below.#version;
    this.#head = below === undefined ? undefined : below.#head;
    this.#held = below === undefined ? [] : below.#held;
    this.tables = tablesOver(below?.tables);
  }

  /** The fold of no entries. Its first entry is a ledger-founded. */
  static empty(options: LedgerOptions): LedgerState {
    const descriptors = new Map(options.descriptors.map((each) => [each.digest, each]));
    return new LedgerState(
      { descriptors, limits: { ...DEFAULT_LIMITS, ...options.limits } },
      undefined,
    );
  }

  draft(): LedgerState {
    return new LedgerState(this, this);
  }

  /** Merges this draft into the state that it was made of, which must not have changed since. */
  commit(): void {
    const below = this.#below;
    invariant(below !== undefined, 'only a draft is committed');
    invariant(below.#version === this.#belowVersion, 'a state rests while its draft is in use');
    commitTables(this.tables);
    below.#head = this.#head;
    below.#held = this.#held;
    below.#version += 1;
    below.#tidy();
  }

  /** Whether this is a draft of that state as it is now. */
  isOver(state: LedgerState): boolean {
    return this.#below === state && this.#belowVersion === state.#version;
  }

  get isFounded(): boolean {
    return this.#head !== undefined;
  }

  get head(): Head {
    invariant(this.#head !== undefined, 'a ledger begins with its founding entry');
    return this.#head;
  }

  /** How many entries the log has. */
  get size(): number {
    return this.#head?.size ?? 0;
  }

  get lastAtMs(): number {
    return this.#head?.lastAtMs ?? 0;
  }

  get authority(): AuthorityState {
    return this.head.authority;
  }

  /** The last entry that changed the authority. */
  get authorityRef(): AuthorityRef {
    return this.head.authorityRef;
  }

  get policy(): Policy {
    return this.head.policy;
  }

  get held(): readonly HeldInput[] {
    return this.#held;
  }

  action(actionId: string): ActionRecord | undefined {
    return this.tables.actions.get(actionId);
  }

  /** Index of the entry that answered this input, for ten minutes of ledger time. */
  answerTo(input: Digest, nowMs: number): number | undefined {
    const answer = this.tables.answered.get(input);
    return answer === undefined || answer.atMs + ANSWERS_KEPT_MS < nowMs ? undefined : answer.index;
  }

  /** Folds one entry in, at its place. Changes this state. */
  evolve(entry: Entry, { index, leaf }: Position): void {
    invariant(index === this.size, 'entries are folded in order');
    const position = { index, leaf };
    const head =
      entry.type === 'ledger-founded'
        ? evolveGenesis(entry, position)
        : evolveEntry(this, entry, position);
    this.#head = { ...head, size: position.index + 1, lastAtMs: timestampMs(entry.at) };
    const input = 'input' in entry ? entry.input : undefined;
    if (input !== undefined) {
      const answer = { atMs: this.#head.lastAtMs, index: position.index };
      this.tables.answered.set(input, answer);
    }
    if (entry.type === 'state-committed') this.#forget();
    this.#version += 1;
  }

  /** Folds in all that one decision came to, held inputs included. Changes this state. */
  apply(decided: Decided): void {
    const draft = drafts.get(decided);
    if (draft?.isOver(this) === true) {
      draft.#held = decided.held ?? this.#held;
      draft.commit();
      return;
    }
    for (const { entry, index, leaf } of decided.entries) this.evolve(entry, { index, leaf });
    if (decided.held !== undefined) {
      this.#held = decided.held;
      this.#version += 1;
    }
  }

  isStanding(deadline: Deadline): boolean {
    const record = this.action(deadline.id);
    return record?.status === 'pending' && record.decideByMs === deadline.atMs;
  }

  /**
   * Up to which offset the intake need not be read again after a restart. `nextOffset` is the one after the
   * last input that was decided; a held input has left no trace in the log, so reading starts again at it.
   */
  safeOffset(nextOffset: number): number {
    return this.#held.reduce((least, held) => Math.min(least, held.decision.offset), nextOffset);
  }

  /** Digest of the canonical fold: the same for a replay of the entries. schemas/formats/entries.md §7. */
  stateDigest(): Digest {
    const { head, tables } = this;
    const state = {
      v: 'countersign.state.v1',
      genesis: head.genesis,
      size: head.size,
      at_ms: head.lastAtMs,
      authority: head.authorityRef,
      counters: Object.fromEntries(tables.counters.entries()),
      actions: Object.fromEntries(tables.actions.bucketDigests()),
    };
    return digestOf('countersign/state/v1', jsonOf(state));
  }

  /** Forgets old actions once an hour, at a state-committed entry: so that every replay forgets the same. */
  #forget(): void {
    const head = this.head;
    const hour = Math.floor(head.lastAtMs / 3_600_000);
    if (hour === head.forgottenHour) return;
    this.#head = { ...head, forgottenHour: hour };
    const old = [...this.tables.actions.records()].filter((r) => isForgettable(r, head.lastAtMs));
    for (const record of old) {
      this.tables.actions.delete(record.id);
      this.tables.byAdmission.delete(record.admission);
    }
  }

  /** Frees memory that no rule looks at any more. */
  #tidy(): void {
    if (this.#below !== undefined) return;
    const { lastAtMs } = this.head;
    this.tables.answered.dropOldest((answer) => answer.atMs + ANSWERS_KEPT_MS < lastAtMs);
    this.tables.deadlines.trim((deadline) => this.isStanding(deadline));
  }
}

/** When a tick would do something: the next expiry of a request or of a hold. Undefined: nothing is due. */
export function nextDeadlineMs(state: LedgerState): number | undefined {
  const hold = state.held[0];
  const times = [
    state.tables.deadlines.nextMs,
    hold === undefined ? undefined : hold.heldAtMs + state.limits.holdMs,
  ].filter((time) => time !== undefined);
  // What is due at a moment is due after it: the moment itself still counts as in time.
  return times.length === 0 ? undefined : Math.min(...times) + 1;
}
