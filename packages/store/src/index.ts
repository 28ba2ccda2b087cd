export { openSqliteStore } from './sqlite-store.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';
export {
  ACTION_STATUSES,
  ENTRY_PAGE_MAX,
  PAGE_ROWS_MAX,
  type ActionFilter,
  type ActionRow,
  type ActionStatus,
  type ChangeSet,
  type ContentRow,
  type DecisionRow,
  type EntryRow,
  type InputOutcome,
  type LogPosition,
  type MemberRow,
  type NodeRow,
  type Page,
  type PageRequest,
  type ReadModels,
  type RowChange,
  type SideTopic,
} from './read-models.ts';
