import {
  decide,
  isQuarantined,
  leafHash,
  type AuthenticatedInput,
  type AuthorityState,
  type ContentWrite,
  type Decided,
  type Entry,
  type LedgerState,
  type PlacedEntry,
  type Quarantined,
  type RawInput,
} from '@countersign/binding';
import type { NewRecord } from '@countersign/broker';
import { canonicalBytes, equalBytes, utf8 } from '@countersign/canonical';
import type { KnownBatch } from '@countersign/log-reader';
import type { CompactRange } from '@countersign/tlog';
import type { TraceContext } from '@countersign/tracing';
import {
  MAX_BATCH_ENTRIES,
  encodeContent,
  encodeLogRecord,
  eventHeaders,
  logSource,
  type Batch,
} from '@countersign/wire';
import { contentKey, quarantineRecord } from './intake-input.ts';

/** Of the entries of one batch: below what a record may hold, with room for its frame. */
const BATCH_BYTES_MAX = 800_000;
const ENTRY_OVERHEAD_BYTES = 8;

/** An input of the intake, checked as far as it can be without deciding. */
export interface PreparedInput {
  readonly offset: number;
  readonly trace?: TraceContext;
  /** Undefined for what was erased, and for what is none. */
  readonly checked?: {
    readonly raw: RawInput;
    readonly result: AuthenticatedInput | Quarantined;
    /** The authority that named the key which the signature was checked with. */
    readonly authority: AuthorityState;
  };
}

export interface DraftBase {
  /** The fold at the accepted head. */
  readonly state: LedgerState;
  /** The tree at the accepted head; changed by the draft. */
  readonly range: CompactRange;
  readonly origin: string;
  /** ULID of this writer. */
  readonly epoch: string;
}

/** The next batch as this writer would have it. Nothing of it is true before it is read back from the log. */
export interface BatchDraft {
  /** A draft of the fold with these entries in it. */
  readonly state: LedgerState;
  readonly sizeBefore: number;
  readonly rootAfter: Uint8Array;
  readonly entries: readonly PlacedEntry[];
  readonly content: readonly NewRecord[];
  readonly quarantined: readonly NewRecord[];
  /** How many of the prepared inputs it takes up; the others wait for the next batch. */
  readonly consumed: number;
  /** Of the inputs that it takes up, as many as are worth telling. */
  readonly traces: readonly TraceContext[];
  /** Undefined when the inputs come to no entries. */
  readonly record?: KnownBatch;
}

/** By which the entries follow from the inputs: schemas/formats/entries.md §7 says what 2 changed. */
const RULES_VERSION = 2;
/** A crowd is told apart no more. */
const TRACES_MAX = 32;

/** Decides one input after the other until the batch is full or the authority changes. */
export function draftBatch(base: DraftBase, inputs: readonly PreparedInput[]): BatchDraft {
  const state = base.state.draft();
  const { range } = base;
  const sizeBefore = range.size;
  const rootBefore = range.root();
  const work = new Work(sizeBefore, logSource(base.origin));
  let consumed = 0;
  for (const input of inputs) {
    if (!work.take(input, state)) break;
    consumed += 1;
  }
  const leafHashes = work.entries.map(({ leaf }) => leafHash(leaf));
  for (const hash of leafHashes) range.append(hash);
  const rootAfter = range.root();
  const { entries, content, quarantined } = work;
  const traces = inputs.slice(0, consumed).flatMap(({ trace }) => trace ?? []);
  const common = {
    ...{ state, sizeBefore, rootAfter, entries, content, quarantined, consumed },
    traces: traces.slice(0, TRACES_MAX),
  };
  if (entries.length === 0) return common;
  const nextOffset = (inputs[consumed - 1]?.offset ?? -1) + 1;
  const batch: Batch = {
    kind: 'batch',
    origin: base.origin,
    sizeBefore,
    rootBefore,
    sizeAfter: range.size,
    rootAfter,
    intakeOffsetAfter: state.safeOffset(nextOffset),
    epoch: base.epoch,
    rulesVersion: RULES_VERSION,
    entries: entries.map(({ bytes }) => bytes),
  };
  return { ...common, record: { value: encodeLogRecord(batch), batch, leafHashes } };
}

/** Whether an accepted batch is this draft, byte for byte. */
export function isDraftOf(
  draft: BatchDraft,
  batch: { readonly sizeBefore: number; readonly rootAfter: Uint8Array },
): boolean {
  return draft.sizeBefore === batch.sizeBefore && equalBytes(draft.rootAfter, batch.rootAfter);
}

class Work {
  readonly entries: PlacedEntry[] = [];
  readonly content: NewRecord[] = [];
  readonly quarantined: NewRecord[] = [];
  readonly #sizeBefore: number;
  /** Who tells of them. */
  readonly #source: string;
  #bytes = 0;
  #isFull = false;

  constructor(sizeBefore: number, source: string) {
    this.#sizeBefore = sizeBefore;
    this.#source = source;
  }

  /** False when this input must wait for the next batch. */
  take({ checked }: PreparedInput, state: LedgerState): boolean {
    if (this.#isFull) return false;
    if (checked === undefined) return true;
    // Its signature was checked with a key of an authority that is no longer in force.
    if (checked.authority !== state.authority) return false;
    const { raw, result } = checked;
    if (isQuarantined(result)) {
      this.#quarantine(raw, result.code);
      return true;
    }
    const decided = decide(state, result);
    if (!this.#fits(decided) || this.#pointsIntoDraft(decided, raw, state)) return false;
    state.apply(decided);
    this.#add(decided, raw, state);
    this.#isFull = decided.endsBatch;
    return true;
  }

  /** Where it would be sent to an entry of this draft, which may never be in the log, or not at that place. */
  #pointsIntoDraft({ outcome }: Decided, raw: RawInput, state: LedgerState): boolean {
    return (
      outcome.status === 'repeated' &&
      outcome.index >= this.#sizeBefore &&
      outcome.index < this.#sizeBefore + this.entries.length &&
      !isAnswered(raw, state)
    );
  }

  #fits({ entries }: Decided): boolean {
    const bytes = sizeOf(entries);
    const count = this.entries.length + entries.length;
    const isFirst = this.entries.length === 0;
    return isFirst || (this.#bytes + bytes <= BATCH_BYTES_MAX && count <= MAX_BATCH_ENTRIES);
  }

  #add(decided: Decided, raw: RawInput, state: LedgerState): void {
    const { entries, content, outcome, dropped } = decided;
    this.#bytes += sizeOf(entries);
    this.entries.push(...entries);
    this.content.push(...contentRecords(content, entries, this.#source));
    for (const { input, code } of dropped) {
      this.#quarantine({ ...raw, input }, code);
    }
    if (outcome.status === 'quarantined') {
      this.#quarantine(raw, outcome.code);
    } else if (outcome.status === 'repeated' && !isAnswered(raw, state)) {
      // Other bytes that ask for the same again have no entry of their own: their sender is told which one.
      this.#quarantine(raw, `REPEATED/${outcome.index}`);
    }
  }

  #quarantine(raw: RawInput, reason: string): void {
    const { kind, input, bytes } = raw;
    const source = this.#source;
    this.quarantined.push(
      quarantineRecord({ kind, input, reason, sizeBytes: bytes.length, source }),
    );
  }
}

/** Whether an entry names this very input, so that its sender finds it: for ten minutes, whatever is still in memory. */
function isAnswered({ input, appendTimeMs }: RawInput, state: LedgerState): boolean {
  return state.answerTo(input, Math.max(state.lastAtMs, appendTimeMs)) !== undefined;
}

function sizeOf(entries: readonly PlacedEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes.length + ENTRY_OVERHEAD_BYTES, 0);
}

/** What an erasure removes is not written here: the entry says so, and the eraser follows it. */
function contentRecords(
  content: readonly ContentWrite[],
  entries: readonly PlacedEntry[],
  source: string,
): NewRecord[] {
  return content.flatMap((write) => {
    const owner = entries.find(({ entry }) => digestNamedBy(entry) === write.digest)?.entry;
    const actionId = owner === undefined ? undefined : actionIdIn(owner);
    if (write.kind === 'erase' || owner === undefined || actionId === undefined) return [];
    const { tenant } = owner;
    const value = encodeContent({
      tenant,
      actionId,
      kind: write.kind === 'action' ? 'ACTION' : 'RATIONALE',
      digest: write.digest,
      body: bodyOf(write),
    });
    const headers = eventHeaders({ record: 'Content', id: write.digest, source });
    return [{ key: contentKey(tenant, actionId), value, headers }];
  });
}

/** The content that stands behind an entry. */
function digestNamedBy(entry: Entry): string | undefined {
  if (entry.type === 'request-admitted') return entry.action_digest;
  const isSigned = entry.type === 'decision-accepted' || entry.type === 'binding-revoked';
  return isSigned ? entry.statement.rationale_digest : undefined;
}

/** Exactly the bytes that the digest is over: schemas/formats/batch-and-wire.md §3. */
function bodyOf(write: Exclude<ContentWrite, { kind: 'erase' }>): Uint8Array {
  return write.kind === 'action'
    ? utf8(write.text)
    : canonicalBytes({ salt: write.salt, value: write.text });
}

function actionIdIn(entry: Entry): string | undefined {
  return 'action_id' in entry ? entry.action_id : undefined;
}
