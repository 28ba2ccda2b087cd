import type { Digest } from '@countersign/canonical';
import type { HumanProof, ProofClass } from '@countersign/human-proof';
import {
  commonStatement,
  decisionStatement,
  dwellMs,
  type CommonStatement,
  type DecisionStatement,
  type Verdict,
} from './decision-statement.ts';
import { head, type EntryHead } from './entry-head.ts';
import { epoch } from './epoch.ts';
import {
  authorityRef,
  credentialId,
  digest,
  leaf,
  personId,
  position,
  refusalCode,
  time,
  ulid,
  humanProof,
  type AuthorityRef,
  type Leaf,
} from './field-shape.ts';
import { provenMembership, type ProvenMembership } from './membership.ts';
import { load, type Load } from './load.ts';
import { QUORUM_MAX } from './policy.ts';
import type { RefusalCode } from './refusal-code.ts';
import { terms, type Terms } from './request-entry.ts';
import { integer, list, nullable, object, oneOf, optional, type Shape } from './shape.ts';

export interface DecisionAccepted extends EntryHead<'decision-accepted'> {
  readonly action_id: string;
  readonly admission: Leaf;
  readonly statement: DecisionStatement;
  readonly proof: HumanProof;
  readonly proof_class: ProofClass;
  /** Only where the requirement asks for a group of the company. */
  readonly membership?: ProvenMembership;
  /** In whose place a deputy has decided. */
  readonly for?: string;
  /** By rules 2. */
  readonly load?: Load;
  readonly input: Digest;
}

/** Also of a decision that came too late: it is recorded, and changes nothing. */
export interface DecisionRefused extends EntryHead<'decision-refused'> {
  readonly action_id: string;
  /** As the statement cites it. */
  readonly admission?: Leaf;
  readonly person: string;
  readonly credential: string;
  readonly verdict: Verdict;
  readonly statement_digest: Digest;
  readonly code: RefusalCode;
  /** Of NOT_ELIGIBLE: when who signed may decide, as one whom it goes on to. */
  readonly from?: string;
  readonly input: Digest;
}

/** One approval, with what is not in the common statement. */
export interface BoundDecision {
  readonly leaf: Leaf;
  /** When it was accepted; only where the requirement has an order, a window or an escalation. */
  readonly at?: string;
  readonly person: string;
  /** In whose place, where that is not their own. */
  readonly for?: string;
  readonly credential: string;
  readonly rationale_digest: Digest;
  readonly not_after: string;
  /** As it was signed; absent where nothing was claimed. */
  readonly claimed_dwell_ms?: number;
  readonly proof_class: ProofClass;
  readonly proof: HumanProof;
  readonly membership?: ProvenMembership;
}

export interface BindingMade extends EntryHead<'binding-made'>, Terms {
  readonly action_id: string;
  readonly admission: Leaf;
  readonly admission_index: number;
  readonly decisions: readonly BoundDecision[];
  readonly statement: CommonStatement;
  /** The authority in force when bound. */
  readonly authority: AuthorityRef;
  readonly use_by: string;
  readonly start_within_s: number;
  readonly max_uses: number;
  /** How often the ledger had been frozen when it was bound. */
  readonly epoch: number;
}

export interface BindingRevoked extends EntryHead<'binding-revoked'> {
  readonly action_id: string;
  /** Null when it was revoked before it was bound. */
  readonly binding: Leaf | null;
  readonly admission: Leaf;
  readonly statement: DecisionStatement;
  readonly proof: HumanProof;
  readonly proof_class: ProofClass;
  readonly input: Digest;
}

const proofClass: Shape<ProofClass> = oneOf('uv', 'up', 'possession');

export const decisionAccepted: Shape<DecisionAccepted> = object<DecisionAccepted>({
  ...head('decision-accepted'),
  action_id: ulid,
  admission: leaf,
  statement: decisionStatement,
  proof: humanProof,
  proof_class: proofClass,
  membership: optional(provenMembership),
  for: optional(personId),
  load: optional(load),
  input: digest,
});

export const decisionRefused: Shape<DecisionRefused> = object<DecisionRefused>({
  ...head('decision-refused'),
  action_id: ulid,
  admission: optional(leaf),
  person: personId,
  credential: credentialId,
  verdict: oneOf('approve', 'deny', 'revoke'),
  statement_digest: digest,
  code: refusalCode,
  from: optional(time),
  input: digest,
});

const boundDecision: Shape<BoundDecision> = object<BoundDecision>({
  leaf,
  at: optional(time),
  person: personId,
  for: optional(personId),
  credential: credentialId,
  rationale_digest: digest,
  not_after: time,
  claimed_dwell_ms: optional(dwellMs),
  proof_class: proofClass,
  proof: humanProof,
  membership: optional(provenMembership),
});

export const bindingMade: Shape<BindingMade> = object<BindingMade>({
  ...head('binding-made'),
  ...terms,
  action_id: ulid,
  admission: leaf,
  admission_index: position,
  decisions: list(boundDecision, { min: 1, max: QUORUM_MAX }),
  statement: commonStatement,
  authority: authorityRef,
  use_by: time,
  start_within_s: integer(1),
  max_uses: integer(1, 100),
  epoch,
});

export const bindingRevoked: Shape<BindingRevoked> = object<BindingRevoked>({
  ...head('binding-revoked'),
  action_id: ulid,
  binding: nullable(leaf),
  admission: leaf,
  statement: decisionStatement,
  proof: humanProof,
  proof_class: proofClass,
  input: digest,
});

/** The statement that one approval of a binding signed: the common part and its own. */
export function statementOf(binding: BindingMade, decision: BoundDecision): DecisionStatement {
  const { statement } = binding;
  const { claimed_dwell_ms: dwell } = decision;
  // Member by member, in the order of the canonical form: the digest of this is computed in every verification.
  return {
    action_digest: statement.action_digest,
    action_id: statement.action_id,
    admission: statement.admission,
    ...(dwell !== undefined && { claimed_dwell_ms: dwell }),
    ...(binding.confirmation !== undefined && { confirmation: binding.confirmation }),
    credential: decision.credential,
    display_digest: statement.display_digest,
    ledger: statement.ledger,
    not_after: decision.not_after,
    person: decision.person,
    rationale_digest: decision.rationale_digest,
    tenant: statement.tenant,
    v: statement.v,
    verdict: statement.verdict,
  };
}
