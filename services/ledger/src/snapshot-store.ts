/** Why a snapshot was not used, or could not be kept. Nothing of it is ever shown to a client. */
export type SnapshotCode =
  /** The store cannot be read or written. */
  | 'SNAPSHOT_UNREADABLE'
  /** What it holds is no snapshot. */
  | 'SNAPSHOT_MALFORMED'
  /** It is not the fold that the log commits to. */
  | 'SNAPSHOT_MISMATCH'
  /** The log has no such place to go on from, or is not sealed beyond it. */
  | 'SNAPSHOT_NOT_IN_LOG'
  /** It goes on from a place too near to itself to know the last answers and erasures. */
  | 'SNAPSHOT_TOO_NEAR'
  /** A log key has come or gone since the founding: only the whole log tells which heads it may have signed. */
  | 'SNAPSHOT_OTHER_KEYS'
  /** A pinned head lies before it, which only the whole log can be checked against. */
  | 'SNAPSHOT_BEHIND_PIN';

export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotCode;

  constructor(code: SnapshotCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface StoredSnapshot {
  /** As it was saved: schemas/formats/snapshot.md §2. */
  readonly head: Uint8Array;
  /** The texts of all actions, some at a time, in any order. */
  readonly actions: AsyncIterable<readonly Uint8Array[]>;
}

export interface SnapshotChanges {
  readonly head: Uint8Array;
  /** Nothing that was saved before is part of it. */
  readonly isWhole: boolean;
  /** Texts by action id, undefined for those that are gone; made as they are asked for. */
  readonly actions: Iterable<readonly [string, Uint8Array | undefined]>;
}

/**
 * Keeps the newest fold of one shard beside the log, for the next start. One writer uses it at a time.
 *
 * Nobody trusts it: what it gives is checked against the log, and whoever can write it gains nothing. Losing it, or a part
 * of it, costs the time of reading the whole log. All methods reject with a SnapshotError SNAPSHOT_UNREADABLE and
 * nothing else.
 */
export interface SnapshotStore {
  load(): Promise<StoredSnapshot | undefined>;
  /** Whole or not at all, also across a crash: after a failure there is the last one, or none. */
  save(changes: SnapshotChanges): Promise<void>;
}
