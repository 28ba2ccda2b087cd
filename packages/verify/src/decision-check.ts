import { timestampMs, type VerifySignature } from '@countersign/canonical';
import {
  decisionDigest,
  deputyEndMs,
  hadVoice,
  isOfClass,
  membershipEndMs,
  proveMembership,
  quorumFault,
  statementOf,
  verifyDecisionProof,
  voiceOf,
  voicesIn,
  type AuthorityState,
  type BindingMade,
  type BoundDecision,
  type CredentialMember,
} from '@countersign/binding';
import { HumanProofError } from '@countersign/human-proof';
import type { StepLog } from './step-log.ts';
import type { Trust } from './trust.ts';
import { VerifyError } from './verify-error.ts';

type Proven = Awaited<ReturnType<typeof verifyDecisionProof>>;

export interface DecisionContext {
  readonly binding: BindingMade;
  /** The authority in force when the binding was made, verified from genesis. */
  readonly authority: AuthorityState;
  readonly trust: Trust;
  readonly verifySignature: VerifySignature;
  readonly log: StepLog;
}

/** That enough of the right persons have signed for exactly this: schemas/formats/evidence.md §5, steps 16 and 17. */
export async function checkDecisions(context: DecisionContext): Promise<void> {
  const { binding, log } = context;
  const { decisions, requirement } = binding;
  log.begin('quorum');
  assertStatement(context);
  assertQuorum(context);
  log.ok(`${decisions.length} persons, ${requirement.approvals} needed`);
  for (const [position, decision] of decisions.entries()) {
    log.begin(`decision ${position + 1}`);
    assertEligible(decision, context);
    await assertMember(decision, context);
    const facts = await assertProven(decision, context);
    const place = 'origin' in facts ? `on ${facts.origin}` : 'by SSH';
    const inPlace = decision.for === undefined ? '' : ` in the place of ${decision.for}`;
    log.ok(`${decision.person} signed${inPlace} with class ${facts.proofClass} ${place}`);
  }
}

/** What was signed is what was bound: the common part of all statements repeats the binding's own members. */
function assertStatement({ binding, trust }: DecisionContext): void {
  const { statement } = binding;
  const isSame =
    statement.ledger === trust.origin &&
    statement.tenant === binding.tenant &&
    statement.action_id === binding.action_id &&
    statement.admission === binding.admission &&
    statement.action_digest === binding.action_digest &&
    statement.display_digest === binding.display_digest;
  if (!isSame) {
    throw new VerifyError('DECISION_REQUEST_MISMATCH', 'expected a statement about this binding');
  }
}

function assertQuorum({ binding, authority }: DecisionContext): void {
  const { decisions, requirement } = binding;
  if (decisions.length === 0) {
    throw new VerifyError('NO_HUMAN_PROOF', 'expected a proof of at least one person');
  }
  const voices = decisions.flatMap(voicesIn);
  if (new Set(voices).size !== voices.length) {
    throw new VerifyError(
      'DUPLICATE_HUMAN',
      'expected distinct persons, and none beside their own deputy',
    );
  }
  const keys = decisions.map(
    ({ credential }) => authority.get('credential', credential)?.public_key ?? credential,
  );
  if (new Set(keys).size !== decisions.length) {
    throw new VerifyError('DUPLICATE_KEY', 'expected distinct keys');
  }
  if (decisions.length < requirement.approvals) {
    throw new VerifyError(
      'QUORUM_NOT_MET',
      `expected ${requirement.approvals} persons, got ${decisions.length}`,
    );
  }
  const fault = quorumFault(binding);
  if (fault !== undefined) {
    throw new VerifyError(fault, 'expected the seats, the order and the window of the rule');
  }
}

function assertEligible(decision: BoundDecision, { binding, authority }: DecisionContext): void {
  const { person } = decision;
  const credential = credentialOf(decision, authority);
  if (credential.person !== person) {
    throw new VerifyError('CREDENTIAL_UNKNOWN', 'expected a credential of the person named');
  }
  if (authority.get('person', person)?.class !== 'natural') {
    throw new VerifyError('NOT_A_NATURAL_PERSON', 'expected a natural person');
  }
  const exclusion = binding.excluded.find((excluded) => excluded.person === person);
  if (exclusion !== undefined) {
    throw new VerifyError(exclusion.code, 'expected a person other than who asks');
  }
  assertDeputy(decision, { binding, authority });
  if (!hadVoice(binding, decision, voiceOf(decision))) {
    throw new VerifyError('NOT_ELIGIBLE', 'expected one of the approvers of the rule');
  }
  // Times of this form sort as their text does (canonical-json.md §8).
  if (decision.not_after < binding.at || decision.not_after < binding.use_by) {
    throw new VerifyError('EXPIRED', 'expected a decision that is good until the last use');
  }
}

/** That a decision in the place of somebody is of their deputy, until the last use, and that they could have made it: attack row D12. */
function assertDeputy(
  decision: BoundDecision,
  { binding, authority }: Pick<DecisionContext, 'binding' | 'authority'>,
): void {
  const { person, for: principal } = decision;
  if (principal === undefined) return;
  const given = { person, for: principal, type: binding.action_type.name };
  const endMs = deputyEndMs(authority, given, timestampMs(binding.at));
  const isOut = binding.excluded.some((excluded) => excluded.person === principal);
  const isLong = endMs !== undefined && timestampMs(binding.use_by) <= endMs;
  if (isLong && !isOut && hadVoice(binding, decision, principal)) return;
  throw new VerifyError('DELEGATION_EXCEEDED', 'expected the deputy of one of the approvers');
}

/** That the company's identity provider has said so, of this person, and until the last use. */
async function assertMember(decision: BoundDecision, context: DecisionContext): Promise<void> {
  const { binding, authority, verifySignature } = context;
  const needed = binding.requirement.member_of;
  if (needed === undefined) return;
  const { person, membership: told } = decision;
  const membership = told && (await proveMembership(told, authority, verifySignature));
  const shown = { person, membership, atMs: timestampMs(binding.at) };
  const endMs = membershipEndMs(authority, needed, shown);
  const isShown = endMs !== undefined && membership?.key === told?.key;
  if (isShown && timestampMs(binding.use_by) <= endMs) return;
  throw new VerifyError('NOT_ELIGIBLE', `expected a sign-in that shows the group ${needed.group}`);
}

function credentialOf(decision: BoundDecision, authority: AuthorityState): CredentialMember {
  const credential = authority.get('credential', decision.credential);
  if (credential === undefined) {
    throw new VerifyError('KEY_NOT_ENROLLED_AT_TIME', 'expected a credential of that authority');
  }
  return credential;
}

async function assertProven(decision: BoundDecision, context: DecisionContext): Promise<Proven> {
  const { proof_classes: allowed } = context.binding.requirement;
  const facts = await provenBy(decision, context);
  const { proofClass } = facts;
  if (proofClass !== decision.proof_class || !allowed.includes(proofClass)) {
    throw new VerifyError('PROOF_CLASS', `expected ${allowed.join(' or ')}, got ${proofClass}`);
  }
  if (!isOfClass(credentialOf(decision, context.authority), facts, context.binding.requirement)) {
    throw new VerifyError(
      'AUTHENTICATOR_CLASS',
      'expected a key of the kind that the rule asks for',
    );
  }
  if (!context.trust.accept.proofClasses.includes(proofClass)) {
    throw new VerifyError('PROOF_CLASS_NOT_ACCEPTED', `the trust file accepts no ${proofClass}`);
  }
  return facts;
}

async function provenBy(decision: BoundDecision, context: DecisionContext): Promise<Proven> {
  const { binding, authority, verifySignature } = context;
  const statement = statementOf(binding, decision);
  const by = {
    authority,
    credential: credentialOf(decision, authority),
    statementDigest: decisionDigest(statement),
    requireUserVerification: !binding.requirement.proof_classes.includes('up'),
  };
  try {
    return await verifyDecisionProof({ statement, proof: decision.proof }, by, verifySignature);
  } catch (error) {
    if (!(error instanceof HumanProofError)) throw error;
    throw new VerifyError('ASSERTION_INVALID', `${error.why}: ${error.message}`, { cause: error });
  }
}
