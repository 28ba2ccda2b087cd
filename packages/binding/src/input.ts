import type { Digest } from '@countersign/canonical';
import type { Action } from '@countersign/descriptors';
import type { AssertionFacts, AssertionWhy, ProofFacts } from '@countersign/human-proof';
import type { ProvenLink } from './delegation-link.ts';
import type { DecisionMade, Rationale } from './decision-statement.ts';
import type { Enrolment } from './enrolment.ts';
import type { ErasureOrder } from './erasure-order.ts';
import type { ExecutionReport } from './execution-report.ts';
import type { ProvenMembership } from './membership.ts';
import type { RefusalCode } from './refusal-code.ts';
import type { SubmittedFinding } from './submitted-finding.ts';
import type { UseClaim } from './use-claim.ts';

export type InputKind =
  'request' | 'decision' | 'use' | 'report' | 'finding' | 'erasure' | 'enrolment' | 'tick';

/** An input as the intake holds it. */
export interface RawInput {
  readonly kind: InputKind;
  /** The frame, exactly as received; empty for a tick. */
  readonly bytes: Uint8Array;
  /** digestBytes('countersign/input/v1', bytes), by which the sender finds its answer. */
  readonly input: Digest;
  /** The broker's append time. */
  readonly appendTimeMs: number;
  /** In the intake. */
  readonly offset: number;
}

declare const authenticated: unique symbol;

interface Authenticated<K extends InputKind> {
  readonly [authenticated]: true;
  readonly kind: K;
  readonly input: Digest;
  readonly appendTimeMs: number;
  readonly offset: number;
}

interface Signed {
  /** Thumbprint of the key that signed. */
  readonly key: Digest;
  readonly signature: string;
}

/** The payload of a signed request: an action, or signed bytes that are none. */
export type RequestPayload =
  | { readonly action: Action; readonly links?: readonly ProvenLink[] }
  | { readonly fault: RefusalCode; readonly actionDigest: Digest; readonly actionId?: string };

export interface RequestInput extends Authenticated<'request'>, Signed {
  readonly payload: RequestPayload;
}

export interface DecisionInput extends Authenticated<'decision'> {
  readonly made: Pick<DecisionMade, 'statement' | 'proof'>;
  /** Undefined for who decides again and does not have it: taken to be what the statement commits to, and not silent. */
  readonly rationale: Rationale | undefined;
  readonly statementDigest: Digest;
  readonly facts: ProofFacts | AssertionFacts;
  /** A sign-in that its issuer has signed. For who decides a refusal again and does not have it: taken to show what is needed. */
  readonly membership: ProvenMembership | 'taken' | undefined;
  /** The key that the proof was checked with. */
  readonly publicKey: string;
}

export interface UseInput extends Authenticated<'use'>, Signed {
  readonly claim: UseClaim;
  readonly payload: Uint8Array;
}

export interface ReportInput extends Authenticated<'report'>, Signed {
  readonly report: ExecutionReport;
  readonly payload: Uint8Array;
}

export interface FindingInput extends Authenticated<'finding'>, Signed {
  readonly finding: SubmittedFinding;
  readonly payload: Uint8Array;
}

export interface ErasureInput extends Authenticated<'erasure'>, Signed {
  readonly order: ErasureOrder;
  readonly payload: Uint8Array;
}

export interface EnrolmentInput extends Authenticated<'enrolment'> {
  readonly enrolment: Enrolment;
  /** A sign-in that its issuer has signed. */
  readonly identity: ProvenMembership | undefined;
}

export type TickInput = Authenticated<'tick'>;

/**
 * An input that was parsed, and whose signature is that of the key it names. Only `authenticate` makes one.
 * Whether that key counts is decided later, by the state at that point of the log.
 */
export type AuthenticatedInput =
  | RequestInput
  | DecisionInput
  | UseInput
  | ReportInput
  | FindingInput
  | ErasureInput
  | EnrolmentInput
  | TickInput;

/** An input of nobody known: counted, kept for a while, and never written to the log. */
export interface Quarantined {
  readonly status: 'quarantined';
  readonly code: RefusalCode;
  /** With ASSERTION_INVALID: what is wrong with it. */
  readonly why?: AssertionWhy;
}

export function isQuarantined(result: AuthenticatedInput | Quarantined): result is Quarantined {
  return 'status' in result;
}
