import { BindingError, isRefusalCode, type RefusalCode } from '@countersign/binding';
import { CanonicalError } from '@countersign/canonical';
import { HttpAuthError, type HttpAuthErrorCode } from '@countersign/http-auth';
import { HumanProofError } from '@countersign/human-proof';
import { ProjectorError, type ProjectorErrorCode } from '@countersign/projector';
import { StoreError } from '@countersign/store';
import { SignerError, TlogError } from '@countersign/tlog';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, type GatewayCode, type ProblemCode } from './gateway-error.ts';

/** The only place that knows HTTP status codes of problems. */
export const STATUS_OF: Readonly<Record<ProblemCode, number>> = {
  ...askStatus(),
  ...laterStatus(),
  ...gatewayStatus(),
};

/** Of what is asked for, in whatever bytes. */
function askStatus() {
  return {
    DUPLICATE_KEY: 400,
    NUMBER_OUT_OF_PROFILE: 400,
    TEXT_ENCODING: 400,
    LIMIT_EXCEEDED: 413,
    JSON_SYNTAX: 400,
    NOT_CANONICAL: 400,
    UNKNOWN_MEMBER: 400,
    SCHEMA_INVALID: 400,
    UNRESOLVED_REFERENCE: 400,
    MONEY_FORMAT: 400,
    UNSAFE_TEXT: 400,
    RENDER_REFUSED: 400,
    UNRENDERABLE: 400,
    TYPE_CONFUSION: 400,
    AGENT_UNKNOWN: 401,
    AGENT_MISMATCH: 401,
    SIGNATURE_INVALID: 401,
    TENANT_UNKNOWN: 404,
    EXECUTOR_UNKNOWN: 403,
    EXECUTOR_MISMATCH: 403,
    EXECUTOR_DESCRIPTOR_MISMATCH: 403,
    NO_POLICY: 403,
    REQUEST_ID_REUSED: 409,
    REQUEST_ID_EXPIRED: 410,
    CLOCK_SKEW: 400,
    EXPIRED: 410,
    TOO_MANY_OPEN: 429,
    QUIET_HOURS: 409,
    REQUEST_OPEN: 409,
    PROMPTS_EXCEEDED: 429,
    REVIEW_OVERDUE: 409,
    QUOTA_EXCEEDED: 429,
    DELEGATION_INVALID: 403,
    DELEGATION_EXCEEDED: 403,
  } satisfies Partial<Record<RefusalCode, number>>;
}

/** Of decisions, and of what comes after them. */
function laterStatus(): Omit<Record<RefusalCode, number>, keyof ReturnType<typeof askStatus>> {
  return {
    NO_HUMAN_PROOF: 401,
    ASSERTION_INVALID: 401,
    CREDENTIAL_UNKNOWN: 401,
    KEY_NOT_ENROLLED_AT_TIME: 401,
    NOT_A_NATURAL_PERSON: 403,
    NOT_ELIGIBLE: 403,
    SELF_APPROVAL: 403,
    OWNER_APPROVAL: 403,
    ORDER: 409,
    WINDOW: 409,
    DUPLICATE_HUMAN: 409,
    PROOF_CLASS: 403,
    AUTHENTICATOR_CLASS: 403,
    RATIONALE_REQUIRED: 400,
    RATIONALE_MISMATCH: 400,
    CONFIRMATION_REQUIRED: 400,
    CONFIRMATION_MISMATCH: 400,
    DECISION_REQUEST_MISMATCH: 409,
    ADMISSION_MISMATCH: 409,
    ACTION_DIGEST_MISMATCH: 409,
    DISPLAY_MISMATCH: 409,
    ORPHAN_DECISION: 404,
    ALREADY_DECIDED: 409,
    NOT_DENIABLE: 409,
    LATE_DECISION: 409,
    SUPERSEDED: 409,
    NOT_BOUND: 409,
    ALREADY_CONSUMED: 409,
    REVOKED: 409,
    APPROVER_REVOKED: 409,
    USE_UNKNOWN: 404,
    REPORT_CONFLICT: 409,
    CONTENT_ERASED: 410,
    CONSTRAINT_VIOLATED: 409,
    OUTCOME_UNKNOWN: 409,
    NOT_IN_BATCH: 422,
    PLAN_DIGEST_MISMATCH: 422,
    PLAN_ORDER: 409,
    FROZEN: 409,
    EPOCH_ENDED: 409,
    POLICY_CHANGED: 409,
    INVITATION_INVALID: 401,
    RECOVERY_NOT_DUE: 409,
    WOULD_LOCK_OUT: 409,
    MEMBER_EXISTS: 409,
    MEMBER_UNKNOWN: 404,
    AUTHORITY_STALE: 409,
    REVIEW_MISMATCH: 409,
    GENESIS_MISMATCH: 409,
    MEMBERSHIP_INVALID: 409,
    CLOCK_JUMP: 503,
  };
}

function gatewayStatus(): Record<GatewayCode, number> {
  return {
    HOST_NOT_ALLOWED: 421,
    ORIGIN_NOT_ALLOWED: 403,
    CSRF_HEADER_MISSING: 403,
    AUTH_REQUIRED: 401,
    HTTP_SIGNATURE_INVALID: 401,
    TOKEN_INVALID: 401,
    SESSION_INVALID: 401,
    CHALLENGE_INVALID: 401,
    REGISTRATION_INVALID: 401,
    IDENTITY_REQUIRED: 401,
    IDENTITY_INVALID: 401,
    IDENTITY_MISMATCH: 403,
    READ_SCOPE: 403,
    NOT_FOUND: 404,
    RANGE_INVALID: 400,
    POSITION_INVALID: 400,
    INDEX_BEYOND_SIZE: 400,
    SIZE_BEYOND_LOG: 404,
    SIZE_NOT_PUBLISHED: 404,
    COSE_NOT_SIGNED: 501,
    SIGNING_KEY_NOT_VALID_AT: 409,
    REQUEST_MALFORMED: 400,
    BODY_TOO_LARGE: 413,
    MEDIA_TYPE_UNSUPPORTED: 415,
    RATE_LIMITED: 429,
    TOO_MANY_WAITERS: 429,
    TOO_MANY_CHALLENGES: 429,
    SHUTTING_DOWN: 503,
    WRITER_UNAVAILABLE: 503,
    INTAKE_UNAVAILABLE: 503,
    PROJECTOR_BEHIND: 503,
    WITNESS_POLICY_MISSING: 409,
    WITNESS_QUORUM: 503,
    SIGNER_UNAVAILABLE: 503,
    IDENTITY_PROVIDER_UNAVAILABLE: 503,
    INTERNAL: 500,
  };
}

const AUTH_CODES: Readonly<Record<HttpAuthErrorCode, GatewayCode>> = {
  HTTP_SIGNATURE_MISSING: 'AUTH_REQUIRED',
  HTTP_SIGNATURE_INVALID: 'HTTP_SIGNATURE_INVALID',
};

const PROJECTOR_CODES: Readonly<Record<ProjectorErrorCode, GatewayCode>> = {
  NOT_FOUND: 'NOT_FOUND',
  NOT_SEALED: 'PROJECTOR_BEHIND',
  SIZE_NOT_PUBLISHED: 'SIZE_NOT_PUBLISHED',
  SIZE_BEYOND_LOG: 'SIZE_BEYOND_LOG',
  INDEX_BEYOND_SIZE: 'INDEX_BEYOND_SIZE',
  NOT_WITNESSED: 'WITNESS_QUORUM',
  TOO_MANY_WAITERS: 'TOO_MANY_WAITERS',
  PROJECTOR_RUNNING: 'INTERNAL',
  STORE_STALE: 'PROJECTOR_BEHIND',
};

/** What the framework throws by itself; its other errors are our bugs. */
const FRAMEWORK_CODES: ReadonlyMap<string, GatewayCode> = new Map<string, GatewayCode>([
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'BODY_TOO_LARGE'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'MEDIA_TYPE_UNSUPPORTED'],
  ['FST_ERR_CTP_EMPTY_TYPE', 'MEDIA_TYPE_UNSUPPORTED'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'REQUEST_MALFORMED'],
  ['FST_ERR_BAD_URL', 'REQUEST_MALFORMED'],
]);

/** Turns whatever was thrown into the one error that is answered. */
function problemOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof ProjectorError) {
    return new GatewayError(PROJECTOR_CODES[error.code], error.message, { cause: error });
  }
  if (error instanceof StoreError && error.code === 'STORE_UNAVAILABLE') {
    // Where it is and why is not for whoever asks.
    return new GatewayError('PROJECTOR_BEHIND', 'the read models are away', { cause: error });
  }
  if (error instanceof HttpAuthError)
    return new GatewayError(AUTH_CODES[error.code], error.message);
  const assertion = error instanceof BindingError ? error.cause : error;
  if (assertion instanceof HumanProofError) {
    const { code, why, message } = assertion;
    return new GatewayError(code, `${code}(${why}): ${message}`);
  }
  if (error instanceof BindingError) return new GatewayError(error.code, error.message);
  if (error instanceof CanonicalError) {
    const code = isRefusalCode(error.code) ? error.code : 'SCHEMA_INVALID';
    return new GatewayError(code, error.message);
  }
  return (
    otherProblem(error) ?? new GatewayError('INTERNAL', 'the gateway failed', { cause: error })
  );
}

function otherProblem(error: unknown): GatewayError | undefined {
  return signingProblem(error) ?? frameworkProblem(error);
}

/** Of COSE receipts: nothing else here is signed. */
function signingProblem(error: unknown): GatewayError | undefined {
  if (error instanceof SignerError) {
    // Which key and what it was refused is for its operator alone.
    return new GatewayError('SIGNER_UNAVAILABLE', 'the signer cannot sign now', { cause: error });
  }
  if (error instanceof TlogError && error.code === 'SIGNING_KEY_NOT_VALID_AT') {
    return new GatewayError(error.code, error.message);
  }
  return undefined;
}

function frameworkProblem(error: unknown): GatewayError | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { validation, code, message, validationContext } = error as FastifyError;
  if (validation !== undefined) {
    const isUnknown = validation.some(({ keyword }) => keyword === 'additionalProperties');
    return new GatewayError(
      isUnknown ? 'UNKNOWN_MEMBER' : 'SCHEMA_INVALID',
      // Messages of the validator name places and rules; values are not in them.
      `${validationContext ?? 'request'}: ${message}`,
    );
  }
  const known = FRAMEWORK_CODES.get(code);
  return known === undefined ? undefined : new GatewayError(known, message);
}

function titleOf(code: ProblemCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Answers RFC 9457, and logs only what is our fault. */
export function answerProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = problemOf(thrown);
  const { code, message, facts } = problem;
  const status = STATUS_OF[code];
  if (code === 'INTERNAL' || code === 'SIGNER_UNAVAILABLE') {
    const line = { event: 'request_failed', err: facts.cause ?? problem };
    request.log.error(line, 'request failed');
  }
  request.problemCode = code;
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="countersign"');
  if (facts.retryAfterS !== undefined) void reply.header('retry-after', String(facts.retryAfterS));
  const { input, entry, receipt } = facts;
  return reply
    .status(status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send({
      type: `urn:countersign:${code}`,
      title: titleOf(code),
      status,
      detail: message,
      code,
      ...(input !== undefined && { input }),
      ...(entry !== undefined && { entry }),
      ...(receipt !== undefined && { receipt }),
    });
}
