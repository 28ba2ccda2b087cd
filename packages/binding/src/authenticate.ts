import { digestBytes, type VerifySignature } from '@countersign/canonical';
import { parseAction } from '@countersign/descriptors';
import { HumanProofError, verifyAttestation } from '@countersign/human-proof';
import type { AuthorityState } from './authority.ts';
import { BindingError, refusalCodeOf } from './binding-error.ts';
import { verifyDecisionProof } from './decision-proof.ts';
import {
  decisionDigest,
  parseDecisionMade,
  type DecisionMade,
  type Rationale,
} from './decision-statement.ts';
import { withChain } from './delegation.ts';
import { enrolmentPayload, parseEnrolment, type Enrolment } from './enrolment.ts';
import { parseErasureOrder } from './erasure-order.ts';
import { parseExecutionReport } from './execution-report.ts';
import type {
  AuthenticatedInput,
  DecisionInput,
  EnrolmentInput,
  ErasureInput,
  FindingInput,
  Quarantined,
  RawInput,
  ReportInput,
  RequestInput,
  RequestPayload,
  TickInput,
  UseInput,
} from './input.ts';
import type { LedgerState } from './ledger-state.ts';
import { proveMembership } from './membership.ts';
import { parseSignedObject, verifySigned, type SignedObject } from './signed-object.ts';
import { parseSubmittedFinding } from './submitted-finding.ts';
import { parseUseClaim } from './use-claim.ts';

type Common = Pick<RawInput, 'input' | 'appendTimeMs' | 'offset'>;

/** What all inputs have. The casts below add the brand, which stands for the checks just made. */
function common(raw: Common): Common {
  return { input: raw.input, appendTimeMs: raw.appendTimeMs, offset: raw.offset };
}

/**
 * Parses an input strictly and checks its signature with the key that the authority holds for its sender.
 * Nothing of it is decided here: `decide` checks again that the key counts at its point of the log.
 *
 * @throws what `verifySignature` throws when it cannot check
 */
export async function authenticate(
  raw: RawInput,
  state: LedgerState,
  verifySignature: VerifySignature,
): Promise<AuthenticatedInput | Quarantined> {
  try {
    if (digestBytes('countersign/input/v1', raw.bytes) !== raw.input) {
      throw new BindingError('TYPE_CONFUSION', 'input: expected the digest of its bytes');
    }
    return await authenticateKind(raw, state, verifySignature);
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined) throw error;
    return error instanceof HumanProofError
      ? { status: 'quarantined', code, why: error.why }
      : quarantined(code, error);
  }
}

function quarantined(code: Quarantined['code'], error: unknown): Quarantined {
  // A malformed proof is found while its frame is read, and arrives wrapped.
  const cause = error instanceof BindingError ? error.cause : undefined;
  return cause instanceof HumanProofError
    ? { status: 'quarantined', code, why: cause.why }
    : { status: 'quarantined', code };
}

async function authenticateKind(
  raw: RawInput,
  state: LedgerState,
  verifySignature: VerifySignature,
): Promise<AuthenticatedInput> {
  const { authority } = state;
  switch (raw.kind) {
    case 'request':
    case 'use':
    case 'report':
    case 'finding':
    case 'erasure':
      return authenticateSigned(
        { ...common(raw), kind: raw.kind, signed: parseSignedObject(raw.bytes) },
        authority,
        verifySignature,
      );
    case 'decision':
      return authenticateDecision(
        { ...common(raw), made: parseDecisionMade(raw.bytes) },
        authority,
        verifySignature,
      );
    case 'enrolment':
      return authenticateEnrolment(
        { ...common(raw), enrolment: parseEnrolment(raw.bytes) },
        state,
        verifySignature,
      );
    case 'tick':
      return tickInput(raw);
  }
}

export function tickInput(raw: Common): TickInput {
  return { ...common(raw), kind: 'tick' } as TickInput;
}

interface SignedRaw extends Common {
  readonly kind: 'request' | 'use' | 'report' | 'finding' | 'erasure';
  readonly signed: SignedObject;
}

/** @throws BindingError AGENT_UNKNOWN, EXECUTOR_UNKNOWN, SIGNATURE_INVALID, and those of the payload's parser */
export async function authenticateSigned(
  raw: SignedRaw,
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<AuthenticatedInput> {
  const { signed } = raw;
  const isAgent = raw.kind !== 'use' && raw.kind !== 'report';
  const holder = authority.holderOf(signed.key);
  if (holder?.kind !== (isAgent ? 'agent' : 'executor')) {
    const code = isAgent ? 'AGENT_UNKNOWN' : 'EXECUTOR_UNKNOWN';
    throw new BindingError(code, `${raw.kind}: expected a key of the authority`);
  }
  const key = { kind: raw.kind, algorithm: 'ed25519', publicKey: holder.public_key } as const;
  await verifySigned(signed, key, verifySignature);
  return withChain(signedInput(raw), authority, verifySignature);
}

function signedInput(raw: SignedRaw): AuthenticatedInput {
  const { signed } = raw;
  const shared = { ...common(raw), key: signed.key, signature: signed.signature };
  const { payload } = signed;
  switch (raw.kind) {
    case 'request':
      return { ...shared, kind: 'request', payload: requestPayload(payload) } as RequestInput;
    case 'use':
      return { ...shared, kind: 'use', payload, claim: parseUseClaim(payload) } as UseInput;
    case 'report': {
      const report = parseExecutionReport(payload);
      return { ...shared, kind: 'report', payload, report } as ReportInput;
    }
    case 'finding': {
      const finding = parseSubmittedFinding(payload);
      return { ...shared, kind: 'finding', payload, finding } as FindingInput;
    }
    case 'erasure': {
      const order = parseErasureOrder(payload);
      return { ...shared, kind: 'erasure', payload, order } as ErasureInput;
    }
  }
}

/** An agent of ours signed these bytes: if they are no action, it is told so by an entry. */
function requestPayload(payload: Uint8Array): RequestPayload {
  try {
    return { action: parseAction(payload) };
  } catch (error) {
    const fault = refusalCodeOf(error);
    if (fault === undefined) throw error;
    return { fault, actionDigest: digestBytes('countersign/action/v1', payload) };
  }
}

interface DecisionRaw extends Common {
  readonly made: Pick<DecisionMade, 'statement' | 'proof' | 'membership'> & {
    readonly rationale?: Rationale;
  };
}

/** @throws BindingError CREDENTIAL_UNKNOWN; HumanProofError */
export async function authenticateDecision(
  raw: DecisionRaw,
  authority: AuthorityState,
  verifySignature: VerifySignature,
): Promise<DecisionInput> {
  const { made } = raw;
  const id = made.statement.credential;
  const credential = authority.get('credential', id) ?? authority.retiredCredential(id);
  if (credential === undefined) {
    throw new BindingError('CREDENTIAL_UNKNOWN', 'decision: expected an enrolled credential');
  }
  const statementDigest = decisionDigest(made.statement);
  const facts = await verifyDecisionProof(
    made,
    // The proof class is judged by the rule of the request, so that a refusal can be recorded.
    { authority, credential, statementDigest, requireUserVerification: false },
    verifySignature,
  );
  return {
    ...common(raw),
    kind: 'decision',
    made,
    rationale: made.rationale,
    statementDigest,
    facts,
    membership:
      made.membership && (await proveMembership(made.membership, authority, verifySignature)),
    publicKey: credential.public_key,
  } as DecisionInput;
}

/** @throws BindingError INVITATION_INVALID, SIGNATURE_INVALID */
export async function authenticateEnrolment(
  raw: Common & { readonly enrolment: Enrolment },
  state: LedgerState,
  verifySignature: VerifySignature,
): Promise<EnrolmentInput> {
  const { enrolment } = raw;
  const { authority } = state;
  const told = enrolment.identity;
  const identity = told && (await proveMembership(told, authority, verifySignature));
  const input = { ...common(raw), kind: 'enrolment', enrolment, identity } as EnrolmentInput;
  // Its invitation is used up, so the key is gone; but the very same bytes were checked with it before.
  if (state.answerTo(raw.input, raw.appendTimeMs) !== undefined) return input;
  const invitation = authority.get('invitation', enrolment.statement.invitation);
  if (invitation === undefined) {
    throw new BindingError('INVITATION_INVALID', 'enrolment: expected an open invitation');
  }
  const { signature, statement } = enrolment;
  const key = {
    kind: 'enrolment',
    algorithm: 'ecdsa-p256-sha256',
    publicKey: invitation.public_key,
  } as const;
  await verifySigned({ signature, payload: enrolmentPayload(statement) }, key, verifySignature);
  const { attestation } = statement;
  if (attestation !== undefined) await verifyAttestation(attestation, verifySignature);
  return input;
}
