import type { RefusalCode } from '@countersign/binding';

/** What the gateway itself says, beside the refusals of the ledger. docs/http.md lists both. */
export const GATEWAY_CODES = [
  // Whom the request was meant for, and from which page it came.
  'HOST_NOT_ALLOWED',
  'ORIGIN_NOT_ALLOWED',
  'CSRF_HEADER_MISSING',
  // Who asks.
  'AUTH_REQUIRED',
  'HTTP_SIGNATURE_INVALID',
  'TOKEN_INVALID',
  'SESSION_INVALID',
  'CHALLENGE_INVALID',
  'REGISTRATION_INVALID',
  'IDENTITY_REQUIRED',
  'IDENTITY_INVALID',
  'IDENTITY_MISMATCH',
  'READ_SCOPE',
  // What is asked.
  'NOT_FOUND',
  'RANGE_INVALID',
  'POSITION_INVALID',
  'INDEX_BEYOND_SIZE',
  'SIZE_BEYOND_LOG',
  'SIZE_NOT_PUBLISHED',
  'COSE_NOT_SIGNED',
  'SIGNING_KEY_NOT_VALID_AT',
  'REQUEST_MALFORMED',
  'BODY_TOO_LARGE',
  'MEDIA_TYPE_UNSUPPORTED',
  // How often.
  'RATE_LIMITED',
  'TOO_MANY_WAITERS',
  'TOO_MANY_CHALLENGES',
  // Whether we can answer.
  'SHUTTING_DOWN',
  'WRITER_UNAVAILABLE',
  'INTAKE_UNAVAILABLE',
  'PROJECTOR_BEHIND',
  'WITNESS_POLICY_MISSING',
  'WITNESS_QUORUM',
  'SIGNER_UNAVAILABLE',
  'IDENTITY_PROVIDER_UNAVAILABLE',
  'INTERNAL',
] as const;

export type GatewayCode = (typeof GATEWAY_CODES)[number];
export type ProblemCode = GatewayCode | RefusalCode;

/** An entry as it is sent: its exact text and where it stands. */
export interface LoggedEntry {
  readonly index: number;
  readonly leaf: string;
  readonly type: string;
  readonly text: string;
}

export interface ProblemFacts extends ErrorOptions {
  /** Digest of the input that was refused. */
  readonly input?: string;
  /** The refusal itself where it was logged, so that the refused can show it. */
  readonly entry?: LoggedEntry;
  readonly receipt?: string;
  readonly retryAfterS?: number;
}

/** Any answer that is a problem. Messages name expectations, never what was sent. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ProblemCode;
  readonly facts: ProblemFacts;

  constructor(code: ProblemCode, message: string, facts: ProblemFacts = {}) {
    super(message, facts);
    this.code = code;
    this.facts = facts;
  }
}

/** Nobody learns whether an id exists that is not theirs to read: one answer, one message (attack row G17). */
export function notFound(): GatewayError {
  return new GatewayError('NOT_FOUND', 'nothing here that you may read');
}
