export type { ActionRecord, ActionStatus } from './action-record.ts';
export {
  gatewayKeyName,
  keeps,
  parseGatewayKey,
  parsePromise,
  promisable,
  quotaSenderOf,
  statementText,
  type ArrivalPromise,
  type GatewayKey,
  type PromisedKind,
} from './arrival-promise.ts';
export {
  applyChange,
  applyEnrolment,
  parseAuthorityChange,
  type AuthorityChange,
} from './authority-change.ts';
export { isSshKey } from './authority-member.ts';
export type {
  AgentMember,
  CredentialMember,
  ExecutorMember,
  IdentityMember,
  FreezeMember,
  InvitationMember,
  LedgerMember,
  Member,
  MemberKind,
  MemberOf,
  PasskeyMember,
  PersonMember,
  RelyingParty,
  Separation,
  SshKeyMember,
} from './authority-member.ts';
export type { DeputyMember } from './deputy-member.ts';
export {
  AuthorityState,
  authorityRoot,
  membershipProof,
  verifyMembership,
  type MembershipProof,
} from './authority.ts';
export { authenticate } from './authenticate.ts';
export {
  assertInBatch,
  batchItemOf,
  batchOf,
  itemDigest,
  type Batch,
  type BatchItem,
} from './batch-item.ts';
export { BindingError } from './binding-error.ts';
export { DEFAULT_BOOTSTRAP, DEFAULT_POLICY } from './default-policy.ts';
export { judgeChain } from './delegation.ts';
export { proveChain } from './delegation-link.ts';
export { grantDigest } from './grant.ts';
export { cedarSentence, enrolledPersons, type CedarSentence } from './cedar-sentence.ts';
export {
  assertConfirmed,
  confirmationDigest,
  confirmationOf,
  isConfirmable,
  type ConfirmRule,
} from './confirmation.ts';
export { citedRule, ruleOfType } from './joined-rule.ts';
export { isEmergencyType } from './break-glass.ts';
export { BREAK_GLASS_ENTRIES, BreakGlassBook, type BrokenGlass } from './break-glass-book.ts';
export { authorityRule, excludesNobody, isKindOf, isUndeniable } from './fixed-requirement.ts';
export { LEDGER_EXECUTOR } from './member-check.ts';
export { partiesTo } from './review.ts';
export { deputyEndMs, voiceOf, voicesIn } from './deputy.ts';
export {
  eligibleFrom,
  escalationTime,
  hadVoice,
  isOfSecondGroup,
  quorumAt,
  type Escalation,
} from './escalation.ts';
export { mayApprove, quorumFault } from './seating.ts';
export { decide } from './decide.ts';
export {
  decideAgain,
  isAnswering,
  type AnsweringEntry,
  type LoggedDecision,
} from './decide-again.ts';
export type { ContentWrite, Decided, Outcome, PlacedEntry } from './decided.ts';
export {
  statementOf,
  type BindingMade,
  type BindingRevoked,
  type BoundDecision,
  type DecisionAccepted,
  type DecisionRefused,
} from './decision-entry.ts';
export type { Load } from './load.ts';
export { couldBeOfClass, isOfClass, verifyDecisionProof } from './decision-proof.ts';
export {
  DECISION_NAMESPACE,
  DWELL_MAX_MS,
  decisionChallenge,
  decisionDigest,
  decisionMessage,
  parseDecisionMade,
  rationaleDigest,
  type DecisionMade,
  type DecisionStatement,
  type Rationale,
  type Verdict,
} from './decision-statement.ts';
export { subjectDigest } from './identity-tie.ts';
export {
  enrolmentPayload,
  parseEnrolment,
  type Enrolment,
  type EnrolmentStatement,
} from './enrolment.ts';
export {
  ENTRY_BYTES_MAX,
  encodeEntry,
  leafHash,
  leafOf,
  parseEntry,
  type Entry,
  type EntryOf,
  type EntryType,
} from './entry.ts';
export { parseErasureOrder, type ErasureOrder } from './erasure-order.ts';
export { parseExecutionReport, type ExecutionReport } from './execution-report.ts';
export type { AuthorityRef, Leaf } from './field-shape.ts';
export { epochOf, isFrozen, refusalOfEpoch } from './freeze.ts';
export { authorityFromGenesis, foundLedger, type FoundingParams } from './genesis.ts';
export { DEFAULT_LIMITS, type LedgerLimits, type Position } from './fold.ts';
export type { HeldInput } from './held-input.ts';
export {
  isQuarantined,
  type AuthenticatedInput,
  type InputKind,
  type Quarantined,
  type RawInput,
} from './input.ts';
export {
  ANSWERS_KEPT_MS,
  LedgerState,
  nextDeadlineMs,
  type CommittedState,
  type LedgerOptions,
} from './ledger-state.ts';
export type {
  AuthorityChanged,
  BoundChange,
  ContentErased,
  CredentialEnrolled,
  Finding,
  FindingAbout,
  FindingSubmission,
  FindingRaised,
  LedgerFounded,
  StateCommitted,
} from './ledger-entry.ts';
export type { IssuerMember } from './issuer-member.ts';
export type { CompanyGroup } from './company-group.ts';
export {
  isAccountNeeded,
  isAccountShown,
  membershipEndMs,
  proveMembership,
  signInNonce,
  type Membership,
  type ProvenMembership,
} from './membership.ts';
export { policyDifference, type PolicyDifference } from './policy-difference.ts';
export type {
  OpenPolicy,
  PolicyAnswer,
  PolicyEngine,
  PolicyFault,
  PolicySubject,
} from './policy-engine.ts';
export {
  isAssurance,
  isAuthorityType,
  isCedarPolicy,
  parseApprovalRule,
  parsePolicy,
  policyDigest,
  requirementOf,
  ruleFor,
  type ApprovalRule,
  type BootstrapRule,
  type Assurance,
  type CedarPolicy,
  type CedarRule,
  type Policy,
  type PolicyRule,
  type Requirement,
  type RuleInForce,
  type TypePolicy,
} from './policy.ts';
export { hasOpened, pendingRecoveries, type RecoveryInvitation } from './recovery.ts';
export type { RecoveryRule } from './recovery-rule.ts';
export { RecentEntries } from './recent-entries.ts';
export { isHiddenRefusal, isLoggedRefusal } from './refuse-again.ts';
export { REFUSAL_CODES, isRefusalCode, type RefusalCode } from './refusal-code.ts';
export type { RulesVersion } from './rules-version.ts';
export type {
  ActionType,
  AgentRef,
  Excluded,
  ExecutorRef,
  RequestAdmitted,
  RequestDenied,
  RequestExpired,
  RequestRefused,
} from './request-entry.ts';
export { boundChangeIn } from './bound-change-entry.ts';
export { SHARD_MAX, homeMember, homeOf, type HomeMoved } from './home.ts';
export { PackedAction } from './remembered-action.ts';
export {
  keyThumbprint,
  parseSignedObject,
  signedMessage,
  type SignedKind,
  type SignedObject,
} from './signed-object.ts';
export { sshKeyChange, sshKeyMemberOf } from './ssh-key.ts';
export { parseStateParts, type StateParts } from './state-parts.ts';
export {
  RECONCILED_FINDINGS,
  parseSubmittedFinding,
  type FoundRecord,
  type ReconciledFinding,
  type SubmittedFinding,
} from './submitted-finding.ts';
export { parseUseClaim, shortIdOf, type UseClaim } from './use-claim.ts';
export type { BindingUsed, ExecutionReported, UseRefused } from './use-entry.ts';
