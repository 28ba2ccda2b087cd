import {
  digestOf,
  fromBase64url,
  fromHex,
  saltedDigest,
  type Digest,
} from '@countersign/canonical';
import type { HumanProof } from '@countersign/human-proof';
import { BindingError, refusing } from './binding-error.ts';
import { bytesOf, jsonOf, parseStrictObject } from './json-bytes.ts';
import {
  base64url,
  credentialId,
  digest,
  leaf,
  origin,
  personId,
  tenant,
  time,
  ulid,
  humanProof,
  type Leaf,
} from './field-shape.ts';
import { membership, type Membership } from './membership.ts';
import { integer, object, oneOf, optional, tag, text, type Shape } from './shape.ts';

export type Verdict = 'approve' | 'deny' | 'revoke';

/** What a person signs: schemas/formats/decision.md §2. */
export interface DecisionStatement {
  readonly v: 'countersign.decision.v1';
  /** Origin of the ledger. */
  readonly ledger: string;
  readonly tenant: string;
  readonly action_id: string;
  readonly admission: Leaf;
  readonly action_digest: Digest;
  readonly display_digest: Digest;
  readonly verdict: Verdict;
  readonly rationale_digest: Digest;
  readonly person: string;
  readonly credential: string;
  readonly not_after: string;
  /** Of what the person has typed. */
  readonly confirmation?: Digest;
  /** For how long the deciding client says that it showed what was decided. Nobody else has measured it. */
  readonly claimed_dwell_ms?: number;
}

/** A day: whoever leaves a page open for longer has not read for longer. */
export const DWELL_MAX_MS = 86_400_000;

export const dwellMs: Shape<number> = integer(0, DWELL_MAX_MS);

export const decisionStatement: Shape<DecisionStatement> = object<DecisionStatement>({
  v: tag('countersign.decision.v1'),
  ledger: origin,
  tenant,
  action_id: ulid,
  admission: leaf,
  action_digest: digest,
  display_digest: digest,
  verdict: oneOf('approve', 'deny', 'revoke'),
  rationale_digest: digest,
  person: personId,
  credential: credentialId,
  not_after: time,
  confirmation: optional(digest),
  claimed_dwell_ms: optional(dwellMs),
});

/** The part that all approvals of one binding share. */
export interface CommonStatement {
  readonly v: 'countersign.decision.v1';
  readonly ledger: string;
  readonly tenant: string;
  readonly action_id: string;
  readonly admission: Leaf;
  readonly action_digest: Digest;
  readonly display_digest: Digest;
  readonly verdict: 'approve';
}

export const commonStatement: Shape<CommonStatement> = object<CommonStatement>({
  v: tag('countersign.decision.v1'),
  ledger: origin,
  tenant,
  action_id: ulid,
  admission: leaf,
  action_digest: digest,
  display_digest: digest,
  verdict: oneOf('approve'),
});

/** A rationale as it travels: its digest is in the statement, its text is erasable content. */
export interface Rationale {
  readonly text: string;
  readonly salt: string;
}

const RATIONALE_MAX = 2_000;
const SALT_BYTES = 16;

const rationale: Shape<Rationale> = object<Rationale>({
  text: text(RATIONALE_MAX, 0),
  salt: base64url(SALT_BYTES, SALT_BYTES),
});

/** The body of a decision-made event. */
export interface DecisionMade {
  readonly v: 'countersign.decision-made.v1';
  readonly statement: DecisionStatement;
  readonly proof: HumanProof;
  readonly rationale: Rationale;
  /** Where the rule asks for a group of the company. */
  readonly membership?: Membership;
}

const decisionMade: Shape<DecisionMade> = object<DecisionMade>({
  v: tag('countersign.decision-made.v1'),
  statement: decisionStatement,
  proof: humanProof,
  rationale,
  membership: optional(membership),
});

/**
 * @throws BindingError NO_HUMAN_PROOF when there is no proof at all, ASSERTION_INVALID for a malformed one,
 * TYPE_CONFUSION, UNKNOWN_MEMBER, SCHEMA_INVALID, and the codes of the gate
 */
export function parseDecisionMade(bytes: Uint8Array): DecisionMade {
  const json = parseStrictObject(bytes);
  // Anybody can write an approver's name; only a proof says who decided (attack row D06).
  if (json['v'] === 'countersign.decision-made.v1' && (json['proof'] ?? null) === null) {
    throw new BindingError('NO_HUMAN_PROOF', 'decision: expected a proof of the person named');
  }
  return decisionMade(json, 'decision');
}

export function decisionDigest(statement: DecisionStatement): Digest {
  return digestOf('countersign/decision/v1', jsonOf(statement));
}

/** The WebAuthn challenge: the 32 bytes of the statement's digest. schemas/formats/decision.md §3. */
export function decisionChallenge(statement: DecisionStatement): Uint8Array {
  return challengeOf(decisionDigest(statement));
}

/** The namespace of SSHSIG, and what is signed under it. schemas/formats/decision.md §3. */
export const DECISION_NAMESPACE = 'countersign-decision-v1';

export function decisionMessage(statement: DecisionStatement): Uint8Array {
  return bytesOf(statement);
}

/** As `decisionChallenge`, where the digest is known. */
export function challengeOf(digest: Digest): Uint8Array {
  return fromHex(digest.slice('sha256:'.length));
}

/** @throws BindingError SCHEMA_INVALID for a salt that is not base64url of 16 bytes or more */
export function rationaleDigest(value: Rationale): Digest {
  return refusing(() =>
    saltedDigest('countersign/rationale/v1', fromBase64url(value.salt), value.text),
  );
}
