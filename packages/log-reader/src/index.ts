export { LedgerError, type LedgerErrorCode } from './ledger-error.ts';
export {
  LogReader,
  type AcceptedBatch,
  type AcceptedEntry,
  type LogCounts,
  type LogEvent,
  type LogHead,
  type LogReaderOptions,
  type RawRecord,
  type ResumePoint,
  type SealedHead,
  type SeenBinding,
} from './log-reader.ts';
export { TailTree } from './tail-tree.ts';
