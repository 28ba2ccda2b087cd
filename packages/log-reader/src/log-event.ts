import type { KeySpan, TreeNode } from '@countersign/tlog';
import type { Batch } from '@countersign/wire';
import type { TailTree } from './tail-tree.ts';

export interface AcceptedEntry {
  readonly index: number;
  /** Exactly what is hashed. */
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
}

/** A batch that is part of the log: the first exact successor of the head before it. */
export interface AcceptedBatch {
  readonly kind: 'batch';
  /** Of its record in the log topic. */
  readonly offset: number;
  readonly appendTimeMs: number;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly rootAfter: Uint8Array;
  readonly entries: readonly AcceptedEntry[];
  /** Every node of the tree that this batch completed. */
  readonly nodes: readonly TreeNode[];
  readonly intakeOffsetAfter: number;
  /** ULID of the writer that proposed it. */
  readonly epoch: string;
  readonly rulesVersion: number;
  /** Its entries add or remove keys of the log. */
  readonly changesKeys: boolean;
}

/** A head that the log key has signed, together with what it seals for the first time. */
export interface SealedHead {
  readonly kind: 'sealed';
  readonly offset: number;
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note, byte for byte. */
  readonly note: string;
  readonly batches: readonly AcceptedBatch[];
  /** Proves every entry of these batches at this size. */
  readonly tail: TailTree;
  /** Where a reader that has kept everything up to this head goes on. */
  readonly resume: ResumePoint;
}

export type LogEvent = AcceptedBatch | SealedHead;

export interface LogHead {
  readonly size: number;
  readonly root: Uint8Array;
  /** Where the ledger goes on reading its intake. */
  readonly intakeOffset: number;
  readonly epoch: string;
}

export interface LogCounts {
  /** Batches of somebody who had lost, and batches that do not add up. */
  ignoredBatches: number;
  /** Batches after the one that moved the log to another partition. */
  closedBatches: number;
  /** Checkpoints that say again what is known. */
  doubledCheckpoints: number;
  /** Checkpoints that no log key has signed. */
  unsignedCheckpoints: number;
  /** Checkpoints signed only by keys of the log that may not sign at their size, or not yet by themselves. */
  notValidCheckpoints: number;
  /** Signed heads of a size whose root nobody could tell us any more. */
  uncheckedCheckpoints: number;
  /** Records that are none. */
  undecodable: number;
}

/** A raw record of the log topic. */
export interface RawRecord {
  readonly offset: number;
  readonly appendTimeMs: number;
  readonly value: Uint8Array | null;
}

/** What must be known of a log to go on reading it from the middle. Only a SealedHead gives one. */
export interface ResumePoint {
  readonly nextOffset: number;
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
  readonly intakeOffset: number;
  readonly epoch: string;
  /** The keys of the log up to this size; without it, those that the reader is given may sign every head. */
  readonly keySpans?: readonly KeySpan[];
  /** Where the log has moved to by then, from the partition that is read. */
  readonly movedTo?: number;
}

/** A batch record as its writer made it, with what it was made from. */
export interface KnownBatch {
  readonly value: Uint8Array;
  readonly batch: Batch;
  readonly leafHashes: readonly Uint8Array[];
}
