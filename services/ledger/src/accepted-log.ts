import {
  LedgerState,
  homeOf,
  type Entry,
  type Leaf,
  type LedgerLimits,
  type LedgerOptions,
  type PolicyEngine,
} from '@countersign/binding';
import type { Broker, StoredRecord, TopicPartition } from '@countersign/broker';
import { timestampMs, toHex, type VerifySignature } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import {
  LedgerError,
  LogReader,
  type AcceptedBatch,
  type LogReaderOptions,
} from '@countersign/log-reader';
import type { CompactRange } from '@countersign/tlog';
import { acceptedEntry } from './accepted-entry.ts';
import { isDraftOf, type BatchDraft } from './batch-draft.ts';
import { batchKey } from './batch-key.ts';
import type { Patience } from './patience.ts';
import { ResumeAnchors, START_OF_LOG } from './resume-anchors.ts';
import type { ResumeClaim } from './snapshot-head.ts';
import { startFromSnapshot, type StartedLog } from './snapshot-start.ts';
import type { StoredSnapshot } from './snapshot-store.ts';

const LOG_READ_RECORDS = 2_000;

/** What a log must be for this writer to write to it. */
export interface LogIdentity {
  readonly origin: string;
  /** Those that the log was founded with. */
  readonly logKeys: readonly string[];
  /** Leaf of the founding entry, where the configuration knows it. */
  readonly genesis?: string;
  /** A head that the log must contain. */
  readonly pinnedHead?: { readonly size: number; readonly root: Uint8Array };
}

/** The fold as an accepted state-committed entry has just committed to it, and where to go on reading for it. */
export interface CommitPlace {
  readonly state: LedgerState;
  readonly genesis: Entry;
  readonly resume: ResumeClaim;
}

export interface AcceptedLogOptions extends LogIdentity {
  readonly broker: Broker;
  readonly tp: TopicPartition;
  readonly patience: Patience;
  readonly verifySignature: VerifySignature;
  readonly descriptors: readonly Descriptor[];
  readonly policyEngine: PolicyEngine;
  readonly limits?: Partial<LedgerLimits>;
  /** Called when the last accepted entry is a state-committed. */
  readonly onCommit: (place: CommitPlace) => void;
  /** Called with the size of each signed head that is read. */
  readonly onSealed: (size: number) => void;
  /** Called with each entry that becomes part of the log, whoever wrote it. */
  readonly onEntry: (entry: Entry, index: number) => void;
}

export interface CaughtUp {
  /** The draft is part of the log. */
  readonly hasDraft: boolean;
  /** Somebody else's batch is. */
  readonly hasOthers: boolean;
}

interface KnownHead {
  readonly range: CompactRange;
  readonly headEnd: number;
}

/** The log as everybody must read it, and the fold of its entries. */
export class AcceptedLog {
  readonly #options: AcceptedLogOptions;
  #state: LedgerState;
  #reader: LogReader;
  #genesis: { readonly entry: Entry; readonly leaf: Leaf } | undefined;
  readonly #anchors = new ResumeAnchors();
  #batches = 0;

  constructor(options: AcceptedLogOptions) {
    this.#options = options;
    this.#state = LedgerState.empty(this.#rules);
    this.#reader = new LogReader(this.#readerOptions);
  }

  get state(): LedgerState {
    return this.#state;
  }

  get reader(): LogReader {
    return this.#reader;
  }

  /**
   * Starts from a snapshot, before anything is read, and reads to the end of the log. Resolves with the size of the log
   * whose fold it did not have to make, and the actions whose erasure it has not read.
   *
   * @throws SnapshotError: nothing was changed, and catchUp reads the log from its beginning
   */
  async startFrom(stored: StoredSnapshot): Promise<Pick<StartedLog, 'size' | 'erased'>> {
    const { broker, tp, patience } = this.#options;
    const from = { broker, tp, patience, rules: this.#rules, reader: this.#readerOptions };
    const started = await startFromSnapshot(from, stored);
    this.#state = started.state;
    this.#reader = started.reader;
    this.#genesis = { entry: started.genesis, leaf: started.state.head.genesis };
    this.#anchors.add(started.anchor);
    this.#batches = started.batches;
    for (const { entry, index } of started.read) this.#options.onEntry(entry, index);
    return started;
  }

  /**
   * Reads the log to its end. A draft that turns out to be the first exact successor is merged into the
   * fold; any other successor is folded in entry by entry, and the draft is worth nothing then.
   *
   * @throws LedgerError EQUIVOCATION, LOG_ROLLBACK, LOG_CORRUPT
   */
  async catchUp(draft?: BatchDraft): Promise<CaughtUp> {
    const { broker, tp, patience } = this.#options;
    let open = draft;
    let hasDraft = false;
    let hasOthers = false;
    for (;;) {
      const records = await patience.read(() =>
        broker.read(tp, this.reader.nextOffset, LOG_READ_RECORDS),
      );
      if (records.length === 0) break;
      for (const record of records) {
        const head = this.#headToAnchor();
        const event = await this.reader.read(record, open?.record);
        if (event?.kind === 'sealed') this.#options.onSealed(event.size);
        if (event?.kind !== 'batch') continue;
        this.#batches += 1;
        if (head !== undefined) this.#anchor(head, record, event);
        if (open !== undefined && isDraftOf(open, event)) {
          this.#merge(open);
          hasDraft = true;
        } else {
          hasOthers = true;
          this.#fold(event);
        }
        open = undefined;
        this.#noteCommit();
      }
    }
    return { hasDraft, hasOthers };
  }

  /**
   * The log is the one that the configuration means, and reaches as far as the pinned head.
   *
   * @throws LedgerError NOT_FOUNDED, FOREIGN_LEDGER, LOG_ROLLBACK
   */
  assertIdentity(): void {
    const { origin, logKeys, genesis, pinnedHead } = this.#options;
    if (pinnedHead !== undefined && this.reader.head.size < pinnedHead.size) {
      throw new LedgerError(
        'LOG_ROLLBACK',
        `the log ends at ${this.reader.head.size}, before the pinned size ${pinnedHead.size}`,
      );
    }
    const founded = this.#genesis;
    if (founded === undefined) {
      throw new LedgerError('NOT_FOUNDED', `expected the log of ${origin} to be founded`);
    }
    const { entry, leaf } = founded;
    const isOurs =
      entry.type === 'ledger-founded' &&
      entry.origin === origin &&
      sameKeys(entry.log_keys, logKeys) &&
      (genesis === undefined || genesis === leaf);
    if (!isOurs) {
      throw new LedgerError('FOREIGN_LEDGER', `expected the genesis of ${origin}, got another`);
    }
  }

  /**
   * The log has not left this partition, nor is it a copy of a log that lives elsewhere: two writers of one log in two
   * partitions would sign two heads of one size.
   *
   * @throws LedgerError LOG_MOVED, NOT_ITS_SHARD
   */
  assertHome(): void {
    const { partition } = this.#options.tp;
    const { movedTo } = this.#reader;
    if (movedTo !== undefined) {
      throw new LedgerError('LOG_MOVED', `the log has moved from shard ${partition} to ${movedTo}`);
    }
    const home = this.#state.isFounded ? homeOf(this.#state.authority) : undefined;
    if (home === undefined || home === partition) return;
    throw new LedgerError(
      'NOT_ITS_SHARD',
      `expected a log that lives on shard ${partition}, got one that says it lives on ${home}`,
    );
  }

  get #rules(): LedgerOptions {
    const { descriptors, policyEngine, limits, tp } = this.#options;
    const rules = { descriptors, policyEngine, shard: tp.partition };
    return { ...rules, ...(limits !== undefined && { limits }) };
  }

  get #readerOptions(): LogReaderOptions {
    const { origin, logKeys, verifySignature, pinnedHead, tp } = this.#options;
    const pinned = pinnedHead !== undefined && { pinned: pinnedHead };
    return { origin, logKeys, verifySignature, partition: tp.partition, ...pinned };
  }

  /** The head before the next record, where it would do as a place to go on from. */
  #headToAnchor(): KnownHead | undefined {
    const { range, head, headEnd } = this.#reader;
    const isDue = head.size > 0 && this.#anchors.isDue(this.#state.lastAtMs);
    return isDue ? { range, headEnd } : undefined;
  }

  /** A place to go on from is one only if a batch in the log says where it is. */
  #anchor({ range, headEnd }: KnownHead, record: StoredRecord, batch: AcceptedBatch): void {
    const first = batch.entries[0];
    if (record.key !== batchKey(range.size, headEnd) || first === undefined) return;
    this.#anchors.add({
      size: range.size,
      hashes: range.hashes,
      batchOffset: record.offset,
      atMs: timestampMs(acceptedEntry(first.bytes, first.index).at),
      batchNumber: this.#batches - 1,
    });
  }

  /** Of a batch that ends with it: what comes after it would be in the fold already. */
  #noteCommit(): void {
    const { state } = this;
    const genesis = this.#genesis?.entry;
    if (genesis === undefined || !state.endsWithCommit) return;
    const place = { atMs: state.lastAtMs, batchNumber: this.#batches - 1 };
    const resume = this.#anchors.before(place) ?? START_OF_LOG;
    this.#options.onCommit({ state, genesis, resume });
  }

  #merge(draft: BatchDraft): void {
    draft.state.commit();
    for (const { entry, index } of draft.entries) this.#options.onEntry(entry, index);
  }

  #fold(batch: AcceptedBatch): void {
    for (const { bytes, index, leafHash } of batch.entries) {
      const entry = acceptedEntry(bytes, index);
      const leaf: Leaf = `sha256:${toHex(leafHash)}`;
      if (index === 0) this.#genesis = { entry, leaf };
      this.state.evolve(entry, { index, leaf });
      this.#options.onEntry(entry, index);
    }
    // Whoever wrote it may have decided what is held here; the intake is read again from its offset.
    if (this.state.isFounded && this.state.held.length > 0) {
      this.state.apply({
        entries: [],
        content: [],
        outcome: { status: 'accepted' },
        held: [],
        dropped: [],
        endsBatch: false,
      });
    }
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
}
