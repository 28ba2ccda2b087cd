import type { SnapshotCode } from './snapshot-store.ts';

/** Why the ledger does not go on, or that it does. */
export type WriterState = 'starting' | 'running' | 'waiting-signer' | 'waiting-broker' | 'stopped';

export interface SnapshotStatus {
  /** Entries of the log whose fold it took from a snapshot; 0 when it has read the whole log. */
  readonly startSize: number;
  /** Why it has read the whole log although there was a snapshot. */
  readonly notUsed?: SnapshotCode;
  /** Why the last one that was to be kept was not. */
  readonly notKept?: SnapshotCode;
}

export interface WriterStatus {
  readonly state: WriterState;
  /** When it came to this, by the writer's clock. */
  readonly sinceMs: number;
  /** Of the error that it waits out, or that stopped it. */
  readonly code?: string;
  /** Entries under the newest head that was signed. */
  readonly sealedSize: number;
  /** Entries of the accepted head. */
  readonly acceptedSize: number;
  readonly snapshot: SnapshotStatus;
  /** Next offset of the intake to decide. */
  readonly intakeOffset: number;
}

export interface WriterCounts {
  /** Of the log. */
  readonly entries: number;
  readonly bindings: number;
  readonly quarantined: number;
  /** Batches of ours that another writer's came before. */
  readonly lostBatches: number;
  /** Batches in the log topic that are no part of the log, whoever wrote them. */
  readonly ignoredBatches: number;
  readonly erasures: number;
}
