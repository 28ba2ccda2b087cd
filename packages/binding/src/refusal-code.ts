/**
 * How the ledger refuses: one closed list, the same in entries, HTTP answers and error objects.
 * schemas/formats/entries.md §8 tells when each is given.
 */
export const REFUSAL_CODES = [
  // The bytes: canonical-json.md, action.md.
  'DUPLICATE_KEY',
  'NUMBER_OUT_OF_PROFILE',
  'TEXT_ENCODING',
  'LIMIT_EXCEEDED',
  'JSON_SYNTAX',
  'NOT_CANONICAL',
  'UNKNOWN_MEMBER',
  'SCHEMA_INVALID',
  'UNRESOLVED_REFERENCE',
  'MONEY_FORMAT',
  'UNSAFE_TEXT',
  'RENDER_REFUSED',
  'UNRENDERABLE',
  'TYPE_CONFUSION',
  // Who asks, and for what.
  'AGENT_UNKNOWN',
  'AGENT_MISMATCH',
  'SIGNATURE_INVALID',
  'TENANT_UNKNOWN',
  'EXECUTOR_UNKNOWN',
  'EXECUTOR_MISMATCH',
  'EXECUTOR_DESCRIPTOR_MISMATCH',
  'NO_POLICY',
  'REQUEST_ID_REUSED',
  'REQUEST_ID_EXPIRED',
  'CLOCK_SKEW',
  'EXPIRED',
  'TOO_MANY_OPEN',
  'QUOTA_EXCEEDED',
  // Who decides.
  'NO_HUMAN_PROOF',
  'ASSERTION_INVALID',
  'CREDENTIAL_UNKNOWN',
  'KEY_NOT_ENROLLED_AT_TIME',
  'NOT_A_NATURAL_PERSON',
  'NOT_ELIGIBLE',
  'SELF_APPROVAL',
  'OWNER_APPROVAL',
  'DUPLICATE_HUMAN',
  'PROOF_CLASS',
  'RATIONALE_REQUIRED',
  'RATIONALE_MISMATCH',
  'DECISION_REQUEST_MISMATCH',
  'ADMISSION_MISMATCH',
  'ACTION_DIGEST_MISMATCH',
  'DISPLAY_MISMATCH',
  'ORPHAN_DECISION',
  'ALREADY_DECIDED',
  'LATE_DECISION',
  'SUPERSEDED',
  // Use, report, erasure.
  'NOT_BOUND',
  'ALREADY_CONSUMED',
  'REVOKED',
  'APPROVER_REVOKED',
  'USE_UNKNOWN',
  'REPORT_CONFLICT',
  'CONTENT_ERASED',
  'CONSTRAINT_VIOLATED',
  'OUTCOME_UNKNOWN',
  // Authority and log.
  'INVITATION_INVALID',
  'WOULD_LOCK_OUT',
  'MEMBER_EXISTS',
  'MEMBER_UNKNOWN',
  'AUTHORITY_STALE',
  'GENESIS_MISMATCH',
  'MEMBERSHIP_INVALID',
  'CLOCK_JUMP',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

const KNOWN: ReadonlySet<string> = new Set(REFUSAL_CODES);

export function isRefusalCode(text: string): text is RefusalCode {
  return KNOWN.has(text);
}
