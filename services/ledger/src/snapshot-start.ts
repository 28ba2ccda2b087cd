import {
  BindingError,
  LedgerState,
  PackedAction,
  RecentEntries,
  leafOf,
  parseEntry,
  type Entry,
  type EntryOf,
  type LedgerOptions,
} from '@countersign/binding';
import type { Broker, StoredRecord, TopicPartition } from '@countersign/broker';
import { equalBytes, timestampMs, toHex, utf8 } from '@countersign/canonical';
import {
  LedgerError,
  LogReader,
  type AcceptedBatch,
  type LogReaderOptions,
} from '@countersign/log-reader';
import { CompactRange, TlogError } from '@countersign/tlog';
import { WireError, decodeLogRecord, type LogRecord } from '@countersign/wire';
import { parseBatchKey } from './batch-key.ts';
import type { Patience } from './patience.ts';
import { BATCHES_BETWEEN_MIN, isFarEnough, type ResumeAnchor } from './resume-anchors.ts';
import { parseSnapshotHead, type ResumeClaim, type SnapshotHead } from './snapshot-head.ts';
import { SnapshotError, type SnapshotCode, type StoredSnapshot } from './snapshot-store.ts';

const LOG_READ_RECORDS = 2_000;
/** From an input's time to its batch's own, as a rule of a working ledger. */
const APPENDED_WITHIN_MS = 300_000;

export interface SnapshotStartOptions {
  readonly broker: Broker;
  readonly tp: TopicPartition;
  readonly patience: Patience;
  readonly rules: LedgerOptions;
  readonly reader: Omit<LogReaderOptions, 'resume'>;
}

/** Where a full reading of the log would have come to, as far as anything that is still to come can tell. */
export interface StartedLog {
  /** Of the log whose fold the snapshot is. */
  readonly size: number;
  /** Ids of the actions in it whose content was erased. */
  readonly erased: readonly string[];
  readonly state: LedgerState;
  readonly reader: LogReader;
  readonly genesis: Entry;
  readonly anchor: ResumeAnchor;
  readonly batches: number;
  /** The entries of those read again that something is still to be done about. */
  readonly read: readonly { readonly entry: Entry; readonly index: number }[];
}

/**
 * Starts from a snapshot and the log from a place before it. What the snapshot says counts for nothing until the log
 * has said the same: schemas/formats/snapshot.md §4 tells why that is enough.
 *
 * @throws SnapshotError: it is not to be used, and the log has to be read from its beginning
 */
export async function startFromSnapshot(
  options: SnapshotStartOptions,
  stored: StoredSnapshot,
): Promise<StartedLog> {
  try {
    const start = await SnapshotStart.of(options, stored);
    return await start.run();
  } catch (error) {
    // An alarm is raised by whoever reads the whole log: that this place in it is as claimed is not known here.
    if (error instanceof LedgerError) throw refusal('SNAPSHOT_NOT_IN_LOG', error.code, error);
    if (error instanceof BindingError) throw refusal('SNAPSHOT_MALFORMED', error.message, error);
    throw error;
  }
}

class SnapshotStart {
  readonly #options: SnapshotStartOptions;
  readonly #head: SnapshotHead;
  readonly #actions: readonly PackedAction[];
  readonly #reader: LogReader;
  readonly #recent = new RecentEntries();
  readonly #read: { readonly entry: Entry; readonly index: number }[] = [];
  #firstAtMs: number | undefined;
  #batches = 0;
  #batchesBefore = 0;
  #state: LedgerState | undefined;

  private constructor(
    options: SnapshotStartOptions,
    parts: { head: SnapshotHead; actions: readonly PackedAction[]; nextOffset: number },
  ) {
    this.#options = options;
    this.#head = parts.head;
    this.#actions = parts.actions;
    const { size, hashes } = parts.head.resume;
    const resume = { nextOffset: parts.nextOffset, size, hashes, intakeOffset: 0, epoch: '' };
    this.#reader = new LogReader(size === 0 ? options.reader : { ...options.reader, resume });
  }

  static async of(options: SnapshotStartOptions, stored: StoredSnapshot): Promise<SnapshotStart> {
    const head = parseSnapshotHead(stored.head);
    const { resume } = head;
    const range = rangeOf(resume);
    assertPin(options.reader.pinned, range);
    const nextOffset =
      resume.size === 0
        ? 0
        : resumeOffset(await recordAt(options, resume.batchOffset), options, range);
    const actions: PackedAction[] = [];
    for await (const texts of stored.actions) {
      for (const text of texts) actions.push(packed(text));
    }
    return new SnapshotStart(options, { head, actions, nextOffset });
  }

  async run(): Promise<StartedLog> {
    const { broker, tp, patience } = this.#options;
    const reader = this.#reader;
    for (;;) {
      const records = await patience.read(() =>
        broker.read(tp, reader.nextOffset, LOG_READ_RECORDS),
      );
      if (records.length === 0) break;
      for (const record of records) {
        const event = await reader.read(record);
        if (event?.kind === 'batch') this.#take(event);
      }
    }
    return this.#started();
  }

  #take(batch: AcceptedBatch): void {
    this.#batches += 1;
    const { size } = this.#head.state;
    if (batch.sizeAfter <= size) this.#batchesBefore += 1;
    for (const { bytes, index, leafHash } of batch.entries) {
      const entry = parseEntry(bytes);
      const atMs = timestampMs(entry.at);
      if (index === batch.sizeBefore) assertFresh(batch, atMs);
      this.#firstAtMs ??= atMs;
      if (isFollowedUp(entry)) this.#read.push({ entry, index });
      if (index < size) {
        this.#recent.note(entry, index);
        continue;
      }
      if (index === size) this.#state = this.#restore(entry);
      this.#state?.evolve(entry, { index, leaf: `sha256:${toHex(leafHash)}` });
    }
  }

  #restore(entry: Entry): LedgerState {
    const { state: parts } = this.#head;
    if (entry.type !== 'state-committed' || entry.size !== parts.size) {
      throw refusal('SNAPSHOT_MISMATCH', `expected entry ${parts.size} to commit to the state`);
    }
    const state = LedgerState.restore(this.#options.rules, {
      parts,
      actions: this.#actions,
      digest: entry.state_digest,
      recent: this.#recent,
    });
    if (state === undefined) {
      throw refusal('SNAPSHOT_MISMATCH', `expected the state that entry ${parts.size} commits to`);
    }
    assertFoundingKeys(state, this.#options.reader.logKeys);
    return state;
  }

  #started(): StartedLog {
    const { state: parts, resume } = this.#head;
    const state = this.#state;
    // The log key has signed what the claimed subtrees and the entries after them come to: so they are the log's.
    if (state === undefined || this.#reader.sealedSize <= parts.size) {
      throw refusal('SNAPSHOT_NOT_IN_LOG', `expected a log that is sealed beyond ${parts.size}`);
    }
    const firstAtMs = this.#firstAtMs ?? parts.at_ms;
    const isFar = isFarEnough(firstAtMs, parts.at_ms) && this.#batchesBefore >= BATCHES_BETWEEN_MIN;
    if (resume.size > 0 && !isFar) {
      throw refusal('SNAPSHOT_TOO_NEAR', 'expected ten minutes and some batches before the state');
    }
    return {
      size: parts.size,
      erased: this.#actions.filter(({ isErased }) => isErased).map(({ id }) => id),
      state,
      reader: this.#reader,
      genesis: this.#genesis(),
      anchor: { ...resume, atMs: firstAtMs, batchNumber: 0 },
      batches: this.#batches,
      read: this.#read,
    };
  }

  #genesis(): EntryOf<'ledger-founded'> {
    const { genesis, state } = this.#head;
    const bytes = utf8(genesis);
    const entry = parseEntry(bytes);
    if (leafOf(bytes) !== state.genesis || entry.type !== 'ledger-founded') {
      throw refusal('SNAPSHOT_MISMATCH', 'expected the genesis that the state names');
    }
    return entry;
  }
}

/**
 * A copy of an old batch, put at the end of the topic for a forged resume place to lead to, is as old as its entries say. A writer
 * that was away makes such batches too: then the log is read from its beginning, which costs time.
 *
 * @param decidedAtMs of its first entry
 */
function assertFresh({ appendTimeMs }: AcceptedBatch, decidedAtMs: number): void {
  if (appendTimeMs - decidedAtMs <= APPENDED_WITHIN_MS) return;
  throw refusal(
    'SNAPSHOT_NOT_IN_LOG',
    'expected batches that were appended when they were decided',
  );
}

/** Which key could sign which head follows from entries before it, once a key has come or gone. */
function assertFoundingKeys({ authority }: LedgerState, logKeys: readonly string[]): void {
  const keys = authority.ofKind('log-key').map(({ vkey }) => vkey);
  const isAsFounded =
    [...keys].sort().join('\n') === [...logKeys].sort().join('\n') &&
    authority.retired.every(({ kind }) => kind !== 'log-key');
  if (!isAsFounded) throw refusal('SNAPSHOT_OTHER_KEYS', 'expected the log keys of the founding');
}

/** Something is done about it once it is sealed: a binding is published, content is removed. */
function isFollowedUp(entry: Entry): boolean {
  return entry.type === 'binding-made' || entry.type === 'content-erased';
}

function rangeOf({ size, hashes }: ResumeClaim): CompactRange {
  try {
    return CompactRange.restore(size, hashes);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw refusal('SNAPSHOT_MALFORMED', error.message, error);
  }
}

/** The reader itself checks a pinned head that lies beyond the place from which it reads. */
function assertPin(pinned: LogReaderOptions['pinned'], range: CompactRange): void {
  if (pinned === undefined || pinned.size > range.size) return;
  if (pinned.size < range.size) {
    throw refusal('SNAPSHOT_BEHIND_PIN', `expected to go on before the pinned ${pinned.size}`);
  }
  if (!equalBytes(range.root(), pinned.root)) {
    throw refusal('SNAPSHOT_NOT_IN_LOG', `expected the pinned root at ${pinned.size}`);
  }
}

async function recordAt(
  { broker, tp, patience }: SnapshotStartOptions,
  offset: number,
): Promise<StoredRecord | undefined> {
  const [record] = await patience.read(() => broker.read(tp, offset, 1));
  return record;
}

/**
 * Where a reader with this head goes on, by what a batch that follows this head says of it. A claim of the snapshot itself
 * would not do: the same batch may stand in the topic twice, and who goes on after the second one may pass over what
 * follows the first.
 */
function resumeOffset(
  record: StoredRecord | undefined,
  { reader }: SnapshotStartOptions,
  range: CompactRange,
): number {
  const batch = record?.value ? batchIn(record.value) : undefined;
  const headEnd = record === undefined ? undefined : headEndSaidBy(record, range.size);
  const follows =
    batch?.kind === 'batch' &&
    batch.origin === reader.origin &&
    batch.sizeBefore === range.size &&
    equalBytes(batch.rootBefore, range.root());
  if (follows && headEnd !== undefined) return headEnd;
  throw refusal('SNAPSHOT_NOT_IN_LOG', `expected a batch that follows the head of ${range.size}`);
}

function headEndSaidBy({ key, offset }: StoredRecord, size: number): number | undefined {
  const said = parseBatchKey(key);
  const isOfHead = said !== undefined && said.sizeBefore === size && said.headEnd <= offset;
  return isOfHead ? said.headEnd : undefined;
}

function batchIn(value: Uint8Array): LogRecord | undefined {
  try {
    return decodeLogRecord(value);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function packed(text: Uint8Array): PackedAction {
  const action = PackedAction.of(text);
  if (action === undefined) throw refusal('SNAPSHOT_MALFORMED', 'expected the text of an action');
  return action;
}

function refusal(code: SnapshotCode, message: string, cause?: Error): SnapshotError {
  return new SnapshotError(code, message, cause === undefined ? {} : { cause });
}
