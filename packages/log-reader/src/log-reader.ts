import { equalBytes } from '@countersign/canonical';
import {
  CompactRange,
  KeyHistory,
  TlogError,
  emptyRoot,
  hashLeaf,
  openCheckpointAt,
} from '@countersign/tlog';
import type { OpenedCheckpoint, TreeNode, VerifySignature } from '@countersign/tlog';
import {
  WireError,
  decodeLogRecord,
  isBindingSealed,
  type Batch,
  type CheckpointSealed,
} from '@countersign/wire';
import { homingIn } from './home-fold.ts';
import { keysAfter } from './key-fold.ts';
import { LedgerError } from './ledger-error.ts';
import type {
  AcceptedBatch,
  AcceptedEntry,
  KnownBatch,
  LogCounts,
  LogEvent,
  LogHead,
  RawRecord,
  ResumePoint,
  SealedHead,
} from './log-event.ts';
import { RecentRoots } from './recent-roots.ts';
import { TailTree } from './tail-tree.ts';

export interface LogReaderOptions {
  readonly origin: string;
  /** Those that the log was founded with; it tells the later ones itself. */
  readonly logKeys: readonly string[];
  readonly verifySignature: VerifySignature;
  /** Of the log topic, whose records it is given; 0 unless given. */
  readonly partition?: number;
  readonly resume?: ResumePoint;
  /** A head that the log must contain: whoever knows one is told if it does not. */
  readonly pinned?: { readonly size: number; readonly root: Uint8Array };
  /** Roots of sizes too old to be remembered; a store of nodes can tell them. */
  readonly rootAt?: (size: number) => Promise<Uint8Array | undefined>;
}

interface Pending {
  readonly batch: AcceptedBatch;
  readonly rangeAfter: CompactRange;
  readonly keysAfter: KeyHistory;
}

/**
 * Folds the raw records of the log topic, in order. Only the first exact successor of the head, whose
 * root it recomputes from the entries, becomes part of the log: so whoever else writes to the topic, a
 * writer that lost its place included, changes nothing (schemas/formats/batch-and-wire.md §4).
 */
export class LogReader {
  readonly #origin: string;
  readonly #verifySignature: VerifySignature;
  readonly #rootAt: LogReaderOptions['rootAt'];
  readonly #pinned: LogReaderOptions['pinned'];
  readonly #roots: RecentRoots = new RecentRoots();
  #range: CompactRange;
  #root: Uint8Array;
  #intakeOffset: number;
  #epoch: string;
  #sealedSize: number;
  #pending: Pending[] = [];
  #keys: KeyHistory;
  #tail: TailTree;
  #nextOffset: number;
  #headEnd: number;
  readonly #partition: number;
  #movedTo: number | undefined;
  readonly counts: LogCounts = {
    ignoredBatches: 0,
    closedBatches: 0,
    doubledCheckpoints: 0,
    unsignedCheckpoints: 0,
    notValidCheckpoints: 0,
    uncheckedCheckpoints: 0,
    undecodable: 0,
  };

  constructor(options: LogReaderOptions) {
    const { resume } = options;
    this.#origin = options.origin;
    this.#partition = options.partition ?? 0;
    this.#movedTo = resume?.movedTo;
    this.#keys =
      resume?.keySpans === undefined
        ? KeyHistory.founding(options.logKeys)
        : KeyHistory.of(resume.keySpans);
    this.#verifySignature = options.verifySignature;
    this.#rootAt = options.rootAt;
    this.#pinned = options.pinned;
    this.#range =
      resume === undefined
        ? CompactRange.empty()
        : CompactRange.restore(resume.size, resume.hashes);
    this.#root = this.#range.root();
    this.#intakeOffset = resume?.intakeOffset ?? 0;
    this.#epoch = resume?.epoch ?? '';
    this.#nextOffset = resume?.nextOffset ?? 0;
    this.#headEnd = this.#nextOffset;
    this.#sealedSize = this.#range.size;
    this.#tail = new TailTree(this.#range);
    this.#roots.set(this.#range.size, this.#root);
  }

  get head(): LogHead {
    return {
      size: this.#range.size,
      root: this.#root,
      intakeOffset: this.#intakeOffset,
      epoch: this.#epoch,
    };
  }

  /** The complete subtrees at the head: to draft the next batch on. */
  get range(): CompactRange {
    return this.#range.clone();
  }

  get sealedSize(): number {
    return this.#sealedSize;
  }

  /** The keys of the log as the accepted entries tell them. */
  get keys(): KeyHistory {
    return this.#keys;
  }

  /** Where the log goes on; set once it has left this partition, and nothing here is accepted any more. */
  get movedTo(): number | undefined {
    return this.#movedTo;
  }

  /** The offset of the record to read next. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /**
   * The offset after the record that made the head: no successor stands before it, and nothing that stands behind it
   * need be known to find one.
   */
  get headEnd(): number {
    return this.#headEnd;
  }

  /** Accepted, and not yet under any signed head that has been read. */
  get unsealed(): readonly AcceptedBatch[] {
    return this.#pending.map(({ batch }) => batch);
  }

  /** Proves the unsealed entries at the head. */
  get tail(): TailTree {
    return this.#tail;
  }

  /**
   * Takes the next record. Answers undefined for one that changes nothing. A writer that meets its own
   * record, byte for byte, need not hash its entries again.
   *
   * @throws LedgerError `EQUIVOCATION` for a signed head that contradicts the log; `LOG_ROLLBACK` for one
   * that the log does not reach; `LOG_CORRUPT` for a record out of order. Nothing may be read after it.
   */
  async read(record: RawRecord, known?: KnownBatch): Promise<LogEvent | undefined> {
    if (record.offset !== this.#nextOffset) {
      throw new LedgerError(
        'LOG_CORRUPT',
        `expected log record ${this.#nextOffset}, got ${record.offset}`,
      );
    }
    this.#nextOffset += 1;
    // Anybody who may write to the topic can write that; the log's own records are never taken away.
    if (record.value === null) {
      this.counts.undecodable += 1;
      return undefined;
    }
    if (known !== undefined && equalBytes(record.value, known.value)) {
      return this.#readBatch(known.batch, record, known.leafHashes);
    }
    const decoded = readRecord(record.value);
    switch (decoded?.kind) {
      case undefined:
        this.counts.undecodable += 1;
        return undefined;
      case 'batch':
        return this.#readBatch(decoded, record);
      case 'checkpoint':
        return this.#readCheckpoint(decoded.note, record.offset);
      case 'binding':
        return undefined;
    }
  }

  #readBatch(
    decoded: Batch,
    record: RawRecord,
    leaves?: readonly Uint8Array[],
  ): AcceptedBatch | undefined {
    // Whoever still writes here has not read that the log goes on elsewhere: it must not go on here as well.
    if (this.#movedTo !== undefined) {
      this.counts.closedBatches += 1;
      return undefined;
    }
    const accepted = this.#succeed(decoded, leaves);
    if (accepted === undefined) {
      this.counts.ignoredBatches += 1;
      return undefined;
    }
    const { range, entries, nodes } = accepted;
    this.#assertPinned(entries, range.size);
    const keys = keysAfter(this.#keys, { origin: this.#origin, entries });
    const { movedTo, hasArrived } = homingIn(entries, this.#partition);
    // The places of the old intake mean nothing in the one that is read from here on.
    const intakeOffsetAfter = hasArrived ? 0 : decoded.intakeOffsetAfter;
    const batch: AcceptedBatch = {
      kind: 'batch',
      offset: record.offset,
      appendTimeMs: record.appendTimeMs,
      sizeBefore: decoded.sizeBefore,
      sizeAfter: range.size,
      rootAfter: decoded.rootAfter,
      entries,
      nodes,
      intakeOffsetAfter,
      epoch: decoded.epoch,
      rulesVersion: decoded.rulesVersion,
      changesKeys: keys !== this.#keys,
    };
    this.#range = range;
    this.#root = decoded.rootAfter;
    this.#headEnd = record.offset + 1;
    this.#intakeOffset = intakeOffsetAfter;
    this.#movedTo = movedTo;
    this.#epoch = decoded.epoch;
    this.#roots.set(range.size, decoded.rootAfter);
    this.#keys = keys;
    this.#pending.push({ batch, rangeAfter: range.clone(), keysAfter: keys });
    this.#tail.add(nodes);
    return batch;
  }

  /** The exact successor: it starts at this head, holds something, and its root adds up. */
  #succeed(
    decoded: Batch,
    leaves?: readonly Uint8Array[],
  ): { range: CompactRange; entries: AcceptedEntry[]; nodes: TreeNode[] } | undefined {
    const isNext =
      decoded.origin === this.#origin &&
      decoded.sizeBefore === this.#range.size &&
      decoded.sizeAfter === decoded.sizeBefore + decoded.entries.length &&
      equalBytes(decoded.rootBefore, this.#root) &&
      decoded.entries.length > 0;
    if (!isNext) return undefined;
    const range = this.#range.clone();
    const nodes: TreeNode[] = [];
    const entries = decoded.entries.map((bytes, at) => {
      const leafHash = leaves?.[at] ?? hashLeaf(bytes);
      const entry = { index: range.size, bytes, leafHash };
      nodes.push(...range.append(entry.leafHash));
      return entry;
    });
    return equalBytes(range.root(), decoded.rootAfter) ? { range, entries, nodes } : undefined;
  }

  /** Recomputes the root at the pinned size when this batch reaches it. */
  #assertPinned(entries: readonly AcceptedEntry[], sizeAfter: number): void {
    const pinned = this.#pinned;
    if (pinned === undefined || pinned.size > sizeAfter || pinned.size <= this.#range.size) return;
    const range = this.#range.clone();
    for (const { index, leafHash } of entries) if (index < pinned.size) range.append(leafHash);
    if (!equalBytes(range.root(), pinned.root)) {
      throw new LedgerError(
        'LOG_ROLLBACK',
        `the log has another root at the pinned size ${pinned.size}`,
      );
    }
  }

  async #readCheckpoint(note: string, offset: number): Promise<SealedHead | undefined> {
    const opened = await this.#open(note);
    if (opened === undefined) return undefined;
    await this.#assertOurs(opened);
    return this.#seal(opened, offset);
  }

  async #open(note: string): Promise<OpenedCheckpoint | undefined> {
    try {
      // A key counts once a head that holds the entry which adds it is signed by a key that counted before: whoever
      // can write batches to the topic could else add a key of theirs, and sign with it.
      return await openCheckpointAt(note, {
        origin: this.#origin,
        keys: this.#keys,
        verifySignature: this.#verifySignature,
        knownAt: this.#sealedSize,
      });
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      // Whoever can produce to the topic, or still has a key that was removed, can produce such a note: it says
      // nothing about the log.
      if (error.code === 'SIGNING_KEY_NOT_VALID_AT') this.counts.notValidCheckpoints += 1;
      else this.counts.unsignedCheckpoints += 1;
      return undefined;
    }
  }

  async #assertOurs({ size, root, note }: OpenedCheckpoint): Promise<void> {
    if (size > this.#range.size) {
      // A head is signed only once its batch is in the topic before it: so the log has lost entries.
      throw new LedgerError(
        'LOG_ROLLBACK',
        `the log key has signed size ${size}, the log ends at ${this.#range.size}`,
        { evidence: [note] },
      );
    }
    const ours = this.#roots.get(size) ?? (await this.#rootAt?.(size)) ?? emptyRootAt(size);
    if (ours === undefined) {
      this.counts.uncheckedCheckpoints += 1;
      return;
    }
    if (equalBytes(ours, root)) return;
    const other = this.#roots.noteOf(size);
    throw new LedgerError(
      'EQUIVOCATION',
      `the log key has signed another root of size ${size} than the log's`,
      { evidence: other === undefined ? [note] : [other, note] },
    );
  }

  #seal({ size, root, note }: OpenedCheckpoint, offset: number): SealedHead | undefined {
    const last = this.#pending.findIndex(({ batch }) => batch.sizeAfter === size);
    const covered = this.#pending[last];
    if (covered === undefined) {
      this.counts.doubledCheckpoints += 1;
      return undefined;
    }
    const tail = this.#tail;
    const batches = this.#pending.slice(0, last + 1).map(({ batch }) => batch);
    this.#pending = this.#pending.slice(last + 1);
    this.#roots.setNote(size, note);
    this.#sealedSize = size;
    // The tail that the event carries is never changed again.
    this.#tail = new TailTree(covered.rangeAfter);
    for (const { batch } of this.#pending) this.#tail.add(batch.nodes);
    const resume = {
      // A batch may stand before the checkpoint of its predecessor: whoever resumes reads it again.
      nextOffset: this.#pending[0]?.batch.offset ?? offset + 1,
      size,
      hashes: covered.rangeAfter.hashes,
      intakeOffset: covered.batch.intakeOffsetAfter,
      epoch: covered.batch.epoch,
      keySpans: covered.keysAfter.spans,
      // Nothing comes after the batch that moves a log, so it is the one that is covered.
      ...(this.#movedTo !== undefined && this.#pending.length === 0 && { movedTo: this.#movedTo }),
    };
    return { kind: 'sealed', offset, size, root, note, batches, tail, resume };
  }
}

/** A published binding is not looked into: it is derived, and only says that somebody published it. */
function readRecord(value: Uint8Array): Batch | CheckpointSealed | { kind: 'binding' } | undefined {
  try {
    return isBindingSealed(value) ? { kind: 'binding' } : decodeLogRecord(value);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function emptyRootAt(size: number): Uint8Array | undefined {
  return size === 0 ? emptyRoot() : undefined;
}
