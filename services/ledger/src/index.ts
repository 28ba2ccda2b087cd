export { CLOCK_JUMP_MS, Writer, type WriterOptions } from './writer.ts';
export type { WriterCounts, WriterState, WriterStatus } from './writer-status.ts';
export type { LogIdentity } from './accepted-log.ts';
export {
  found,
  readFounding,
  type Founded,
  type FoundedLog,
  type FoundingOptions,
} from './founding.ts';
export { contentKey, inputDigest, type Submission, type SubmitKind } from './intake-input.ts';
export { readPlace, type ClosedLog, type LogOfLedger } from './closed-log.ts';
export { completeMove, takeShard, type MoveOptions, type Moved } from './mover.ts';
export { Patience } from './patience.ts';
export type { LedgerClock } from './ledger-clock.ts';
export type { InputPartition } from './partition-movers.ts';
export { RootSigner, type RootSignerOptions } from './root-signer.ts';
export {
  PUBLIC_TOPICS,
  Router,
  type LeftIntake,
  type RouterOptions,
  type RouterPositions,
  type Submitted,
} from './router.ts';
export {
  SnapshotError,
  type SnapshotChanges,
  type SnapshotStore,
  type StoredSnapshot,
} from './snapshot-store.ts';
export { sqliteSnapshots, type SqliteSnapshots } from './sqlite-snapshots.ts';
export { runTicker, type TickerOptions } from './ticker.ts';
export { LedgerError, homingIn, type LedgerErrorCode } from '@countersign/log-reader';
export type { SealedRoot } from './sealer.ts';
