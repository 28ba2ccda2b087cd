import type { RefusalCode } from '@countersign/binding';

/** Why no outcome can be given. None of them is a yes: an executor runs on VALID alone. */
const INDETERMINATE_CODES = [
  'CONTENT_MISSING',
  'AUTHORITY_MISSING',
  'CLOCK_UNKNOWN',
  'LEDGER_UNREACHABLE',
] as const;

export type IndeterminateCode = (typeof INDETERMINATE_CODES)[number];

/** How evidence is refused: the ledger's own codes, and those that only a verifier needs. evidence.md §5. */
export type VerifyCode =
  | RefusalCode
  | IndeterminateCode
  | 'EVIDENCE_FORMAT'
  | 'TRUST_FORMAT'
  | 'NOT_LOGGED'
  | 'LOG_KEY_UNKNOWN'
  | 'CHECKPOINT_INVALID'
  | 'SIGNING_KEY_NOT_VALID_AT'
  | 'EQUIVOCATION'
  | 'LOG_ROLLBACK'
  | 'DESCRIPTOR_MISMATCH'
  | 'POLICY_MISMATCH'
  | 'AUTHORITY_CHAIN_INVALID'
  | 'QUORUM_NOT_MET'
  | 'PROOF_CLASS_NOT_ACCEPTED'
  | 'SEPARATION_NOT_ACCEPTED'
  | 'DEMO_LEDGER'
  | 'PRECONDITION_STALE'
  | 'WITNESS_POLICY_MISSING'
  | 'WITNESS_QUORUM'
  | 'WITNESS_TIME';

/** Thrown by the parsers; inside a verification it becomes the outcome. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';
  readonly code: VerifyCode;

  constructor(code: VerifyCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

function isIndeterminate(code: VerifyCode): code is IndeterminateCode {
  return INDETERMINATE_CODES.some((known) => known === code);
}

export interface Refusal {
  readonly outcome: 'REFUSED' | 'INDETERMINATE';
  readonly code: VerifyCode;
}

/** The outcome that a VerifyError stands for. Anything else is a bug, and goes on. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof VerifyError)) throw error;
  const { code } = error;
  return { outcome: isIndeterminate(code) ? 'INDETERMINATE' : 'REFUSED', code };
}
