import { formatTimestamp, type Digest } from '@countersign/canonical';
import type { ContentWrite, Decided, Outcome, PlacedEntry } from './decided.ts';
import { encodeEntry, leafOf, type Entry } from './entry.ts';
import { senderOf } from './evolve.ts';
import { minuteOf } from './minute-count.ts';
import type { HeldInput } from './held-input.ts';
import { rememberDraft, type LedgerState } from './ledger-state.ts';
import type { RefusalCode } from './refusal-code.ts';

/** An entry without what each entry begins with. */
export type EntryBody = Entry extends infer E
  ? E extends Entry
    ? Omit<E, 'v' | 'at' | 'tenant'>
    : never
  : never;

export type RefusalBody = Extract<
  EntryBody,
  { type: 'request-refused' | 'decision-refused' | 'use-refused' | 'finding-raised' }
>;

type RaisedBody = Extract<EntryBody, { type: 'finding-raised' }>;

/** Later inputs need another authority, or the fold is to be kept as it is committed to. */
const ENDS_BATCH: ReadonlySet<Entry['type']> = new Set(['authority-changed', 'state-committed']);

/**
 * The entries of one decision as they come to be: each is folded into a draft, so that the next one knows its
 * place and its effect. The draft is dropped at the end.
 */
export class Proceeding {
  readonly state: LedgerState;
  readonly atMs: number;
  /** Ledger time. */
  readonly at: string;
  readonly #entries: PlacedEntry[] = [];
  readonly #content: ContentWrite[] = [];
  readonly #dropped: { input: Digest; code: RefusalCode }[] = [];
  #held: readonly HeldInput[] | undefined;

  constructor(state: LedgerState, atMs: number) {
    this.state = state.draft();
    this.atMs = atMs;
    this.at = formatTimestamp(atMs);
  }

  /** @throws BindingError LIMIT_EXCEEDED */
  write(body: EntryBody): PlacedEntry {
    const { tenant } = this.state.authority.ledger;
    const entry: Entry = { v: 'countersign.entry.v1', at: this.at, tenant, ...body };
    const bytes = encodeEntry(entry);
    const placed = { entry, bytes, leaf: leafOf(bytes), index: this.state.size };
    this.state.evolve(entry, placed);
    this.#entries.push(placed);
    return placed;
  }

  /** Writes a refusal, unless its sender has used up the refusals of this minute. */
  refuse(body: RefusalBody, code: RefusalCode): Outcome {
    if (this.#isOverQuota(body)) return { status: 'quarantined', code: 'QUOTA_EXCEEDED' };
    this.write(body);
    return { status: 'refused', code };
  }

  /** Writes what an operator has found. It counts as a refusal does: one key must not fill the log. */
  raise(body: RaisedBody): Outcome {
    if (this.#isOverQuota(body)) return { status: 'quarantined', code: 'QUOTA_EXCEEDED' };
    this.write(body);
    return { status: 'accepted' };
  }

  #isOverQuota(body: RefusalBody): boolean {
    const sender = senderOf(body);
    const refusals = sender === undefined ? undefined : this.state.tables.refusals.get(sender);
    return (
      refusals?.minute === minuteOf(this.atMs) &&
      refusals.count >= this.state.limits.refusalsPerMinuteMax
    );
  }

  keep(content: ContentWrite): void {
    this.#content.push(content);
  }

  get held(): readonly HeldInput[] {
    return this.#held ?? this.state.held;
  }

  hold(held: readonly HeldInput[]): void {
    this.#held = held;
  }

  drop(input: Digest, code: RefusalCode): void {
    this.#dropped.push({ input, code });
  }

  decided(outcome: Outcome): Decided {
    const decided: Decided = {
      entries: this.#entries,
      content: this.#content,
      outcome,
      ...(this.#held === undefined ? {} : { held: this.#held }),
      dropped: this.#dropped,
      endsBatch: this.#entries.some(({ entry }) => ENDS_BATCH.has(entry.type)),
    };
    rememberDraft(decided, this.state);
    return decided;
  }
}
