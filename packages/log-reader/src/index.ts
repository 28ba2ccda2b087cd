export { homingIn, type Homing } from './home-fold.ts';
export { keysAfter } from './key-fold.ts';
export { LedgerError, type LedgerErrorCode } from './ledger-error.ts';
export type {
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
export { LogReader, type LogReaderOptions } from './log-reader.ts';
export { TailTree } from './tail-tree.ts';
