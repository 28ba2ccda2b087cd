import { BindingError, LedgerState, parseEntry, type Entry, type Leaf } from '@countersign/binding';
import type { Broker, TopicPartition } from '@countersign/broker';
import { toHex, type VerifySignature } from '@countersign/canonical';
import type { Descriptor } from '@countersign/descriptors';
import { LedgerError, LogReader, type AcceptedBatch } from '@countersign/log-reader';
import { isDraftOf, type BatchDraft } from './batch-draft.ts';
import type { Patience } from './patience.ts';

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

export interface AcceptedLogOptions extends LogIdentity {
  readonly broker: Broker;
  readonly tp: TopicPartition;
  readonly patience: Patience;
  readonly verifySignature: VerifySignature;
  readonly descriptors: readonly Descriptor[];
  /** Called with each entry that becomes part of the log, whoever wrote it. */
  readonly onEntry: (entry: Entry, index: number) => void;
}

export interface CaughtUp {
  /** The draft is part of the log. */
  readonly hasDraft: boolean;
  /** Somebody else's batch is. */
  readonly hasOthers: boolean;
}

/** The log as everybody must read it, and the fold of its entries. */
export class AcceptedLog {
  readonly state: LedgerState;
  readonly reader: LogReader;
  readonly #options: AcceptedLogOptions;
  #genesis: { readonly entry: Entry; readonly leaf: Leaf } | undefined;

  constructor(options: AcceptedLogOptions) {
    this.#options = options;
    this.state = LedgerState.empty({ descriptors: options.descriptors });
    const { origin, logKeys, verifySignature, pinnedHead } = options;
    this.reader = new LogReader({
      origin,
      logKeys,
      verifySignature,
      ...(pinnedHead !== undefined && { pinned: pinnedHead }),
    });
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
        const event = await this.reader.read(record, open?.record);
        if (event?.kind !== 'batch') continue;
        if (open !== undefined && isDraftOf(open, event)) {
          this.#merge(open);
          hasDraft = true;
        } else {
          hasOthers = true;
          this.#fold(event);
        }
        open = undefined;
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

  #merge(draft: BatchDraft): void {
    draft.state.commit();
    for (const { entry, index } of draft.entries) this.#options.onEntry(entry, index);
  }

  #fold(batch: AcceptedBatch): void {
    for (const { bytes, index, leafHash } of batch.entries) {
      const entry = parsed(bytes, index);
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

function parsed(bytes: Uint8Array, index: number): Entry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new LedgerError('LOG_CORRUPT', `entry ${index}: expected a known entry`, {
      cause: error,
    });
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
}
