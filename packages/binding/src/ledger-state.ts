import { digestOf, timestampMs, type Digest } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import type { ActionRecord } from './action-record.ts';
import type { AuthorityState } from './authority.ts';
import { invariant } from './binding-error.ts';
import { putUnreviewed, reviewDueMs } from './break-glass-fold.ts';
import type { Deadline } from './deadline-queue.ts';
import type { Decided } from './decided.ts';
import type { Entry } from './entry.ts';
import { evolveEntry, evolveGenesis, putOpen } from './evolve.ts';
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
import { loadPartsOf, putLoad, trimLoad } from './person-load.ts';
import type { PolicyEngine } from './policy-engine.ts';
import type { Policy } from './policy.ts';
import type { KeptAction } from './action-table.ts';
import type { RecentEntries } from './recent-entries.ts';
import { noteCounted } from './recent-requests.ts';
import type { PackedAction } from './remembered-action.ts';
import type { RulesVersion } from './rules-version.ts';
import { headOf, partsOf, type StateParts } from './state-parts.ts';

export const ANSWERS_KEPT_MS = 600_000;

/**
 * The draft in which a decision was made: applying the decision to the state that it was made on takes it over,
 * instead of folding the same entries a second time.
 */
const drafts = new WeakMap<Decided, LedgerState>();

export function rememberDraft(decided: Decided, draft: LedgerState): void {
  drafts.set(decided, draft);
}

/** Of the last state-committed entry: the fold that it committed to, as far as the entry itself changed it. */
interface Committed {
  readonly head: Head;
  readonly forgotten: readonly ActionRecord[];
}

/** What a fold is restored from. */
export interface StateSnapshot {
  readonly parts: StateParts;
  readonly actions: readonly PackedAction[];
  /** Of a state-committed entry in the log. */
  readonly digest: Digest;
  /** The entries before that one: at least ten minutes of them, or all. */
  readonly recent: RecentEntries;
}

/** A fold that a state-committed entry commits to, as a snapshot keeps it. */
export interface CommittedState {
  readonly parts: StateParts;
  /** By id: the records that are new or changed since the last one, undefined for those that are gone. */
  readonly changes: ReadonlyMap<string, KeptAction | undefined>;
}

export interface LedgerOptions {
  /** All action types that this build can show; the authority says which are allowed. */
  readonly descriptors: readonly Descriptor[];
  /** What reads policies in Cedar. Everybody who folds this log MUST have the same. */
  readonly policyEngine: PolicyEngine;
  readonly limits?: Partial<LedgerLimits>;
  /** Where this log is read: what `home-moved` must start from while the log does not say it itself. */
  readonly shard?: number;
}

/**
 * The fold of a log. `decide` reads it and never changes it; `evolve` and `apply` change it in place, which
 * is why a writer works on a `draft()`: `commit()` it once its batch is the accepted head, or drop it. A
 * state MUST NOT change while a draft of it is in use.
 */
export class LedgerState {
  readonly descriptors: ReadonlyMap<Digest, Descriptor>;
  readonly policyEngine: PolicyEngine;
  readonly limits: LedgerLimits;
  readonly shard: number | undefined;
  readonly tables: Tables;
  readonly #below: LedgerState | undefined;
  readonly #belowVersion: number;
  #head: Head | undefined;
  #held: readonly HeldInput[];
  #committed: Committed | undefined;
  #version = 0;

  private constructor(
    options: Pick<LedgerState, 'descriptors' | 'policyEngine' | 'limits' | 'shard'>,
    below: LedgerState | undefined,
  ) {
    this.descriptors = options.descriptors;
    this.policyEngine = options.policyEngine;
    this.limits = options.limits;
    this.shard = options.shard;
    this.#below = below;
    this.#belowVersion = below === undefined ? 0 : below.#version;
    this.#head = below === undefined ? undefined : below.#head;
    this.#held = below === undefined ? [] : below.#held;
    this.#committed = below === undefined ? undefined : below.#committed;
    this.tables = tablesOver(below?.tables);
  }

  /** The fold of no entries. Its first entry is a ledger-founded. */
  static empty(options: LedgerOptions): LedgerState {
    const { policyEngine, shard } = options;
    const descriptors = new Map(options.descriptors.map((each) => [each.digest, each]));
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    return new LedgerState({ descriptors, policyEngine, limits, shard }, undefined);
  }

  /**
   * The fold of a snapshot. Undefined unless its digest is the one that the log holds: before that is known
   * nothing of a record is looked into.
   *
   * @throws BindingError when the parts are none of an authority
   */
  static restore(options: LedgerOptions, snapshot: StateSnapshot): LedgerState | undefined {
    const head = headOf(snapshot.parts);
    if (head === undefined) return undefined;
    const state = LedgerState.empty(options);
    state.#head = head;
    const { tables } = state;
    for (const packed of snapshot.actions) if (!tables.actions.load(packed)) return undefined;
    for (const { credential, counter } of snapshot.parts.counters) {
      tables.counters.set(credential, counter);
    }
    if (snapshot.parts.load !== undefined) putLoad(tables.load, snapshot.parts.load);
    if (state.stateDigest() !== snapshot.digest) return undefined;
    for (const packed of snapshot.actions) {
      if (packed.isOpen) putOpen(tables, packed.unpack());
      if (packed.isCounted) noteCounted(tables.recent, packed.unpack());
      if (packed.isUnreviewed) putUnreviewed(tables, packed.unpack());
    }
    tables.actions.noteKept();
    snapshot.recent.copyInto(tables);
    return state;
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
    below.#committed = this.#committed;
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

  /** By which rules this log decides. What would decide an older log differently MUST ask for it. */
  get rules(): RulesVersion {
    return this.head.rules;
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
    const before = this.#head;
    const head =
      entry.type === 'ledger-founded'
        ? evolveGenesis(entry, position)
        : evolveEntry(this, entry, position);
    this.#head = { ...head, size: position.index + 1, lastAtMs: timestampMs(entry.at) };
    this.#noteAnswer(entry, position.index);
    if (entry.type === 'state-committed' && before !== undefined) {
      this.#committed = { head: before, forgotten: this.#forget() };
      trimLoad(this.tables.load, before.lastAtMs);
    }
    this.#version += 1;
  }

  #noteAnswer(entry: Entry, index: number): void {
    const input = 'input' in entry ? entry.input : undefined;
    if (input !== undefined) {
      this.tables.answered.set(input, { atMs: timestampMs(entry.at), index });
    }
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
    if (record === undefined) return false;
    const dueMs = record.status === 'pending' ? record.decideByMs : reviewDueMs(record);
    return dueMs === deadline.atMs;
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
      v: 'countersign.state.v2',
      genesis: head.genesis,
      ...(head.rules > 1 && { rules: head.rules }),
      size: head.size,
      at_ms: head.lastAtMs,
      forgotten_hour: head.forgottenHour,
      bindings: head.bindings,
      authority: head.authorityRef,
      retired: digestOf('countersign/state/v1', head.authority.retired.map(jsonOf)),
      counters: Object.fromEntries(tables.counters.entries()),
      ...(head.rules > 1 && {
        load: digestOf('countersign/state/v1', jsonOf(loadPartsOf(tables.load, head.lastAtMs))),
      }),
      actions: Object.fromEntries(tables.actions.groupDigests()),
    };
    return digestOf('countersign/state/v1', jsonOf(state));
  }

  /** Whether the last entry is a state-committed. */
  get endsWithCommit(): boolean {
    return this.#committed?.head.size === this.size - 1;
  }

  /**
   * The fold that the last entry commits to; undefined when the last entry is no state-committed. The first time
   * it holds every action, later those that changed since it was last taken. Not for drafts.
   */
  takeCommitted(): CommittedState | undefined {
    const { tables } = this;
    const committed = this.#committed;
    if (!this.endsWithCommit || committed === undefined) return undefined;
    const changes = tables.actions.takeChanges(committed.forgotten);
    return { parts: partsOf(committed.head, tables), changes };
  }

  /** What is taken next holds every action again. */
  retakeAll(): void {
    this.tables.actions.forgetChanges();
  }

  /** Forgets old actions once an hour, at a state-committed entry: so that every replay forgets the same. */
  #forget(): readonly ActionRecord[] {
    const head = this.head;
    const hour = Math.floor(head.lastAtMs / 3_600_000);
    if (hour === head.forgottenHour) return [];
    this.#head = { ...head, forgottenHour: hour };
    const forgotten = this.tables.actions.forgettable(head.lastAtMs);
    for (const record of forgotten) this.tables.actions.delete(record.id);
    return forgotten;
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
