export { guard, type Guard, type GuardOptions } from './guard.ts';
export type { ExecutorIdentity, ExecutorLedger, RunOrder } from './run-order.ts';
export { isAnsweredEntry, type AnsweredEntry, type InputAnswer } from './input-answer.ts';
export {
  LedgerClient,
  type ActionView,
  type InputPath,
  type LedgerClientOptions,
  type OnArrival,
  type Patience,
} from './ledger-client.ts';
export type {
  ExecutionResult,
  RunEnded,
  RunRefused,
  RunResult,
  RunUnknown,
  VerifiedAction,
} from './run-result.ts';
export { memoryRunStore, type RunLock, type RunPart, type RunStore } from './run-store.ts';
export { SdkError, type SdkErrorCode } from './sdk-error.ts';
export {
  parseSigningKey,
  readSigningKey,
  signedFrame,
  type HeldKey,
  type SigningKey,
} from './signing-key.ts';
export { claimUse, draftUse, signedReport, type GrantedUse } from './use-claim.ts';
export {
  draftAction,
  freshIds,
  type ActionContent,
  type ActionParties,
  type DraftSources,
} from './action-draft.ts';
export { requestBinding, type BindingOrder, type BindingRequested } from './request-binding.ts';
export {
  decisionsOf,
  waitForBinding,
  type BindingResult,
  type SeenDecision,
  type WaitOptions,
} from './wait-for-binding.ts';
