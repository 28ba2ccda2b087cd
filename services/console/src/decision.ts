import {
  DWELL_MAX_MS,
  confirmationDigest,
  rationaleDigest,
  type DecisionMade,
  type DecisionStatement,
  type Rationale,
  type RequestAdmitted,
  type Verdict,
} from '@countersign/binding';
import { formatTimestamp, timestampMs, toBase64url, type Digest } from '@countersign/canonical';
import type { HumanProof } from '@countersign/human-proof';
import type { CheckedReview } from './review-check.ts';

export const RATIONALE_MAX = 2_000;
export const SALT_BYTES = 16;

/** Who is signed in. */
export interface Signer {
  readonly person: string;
  readonly credential: string;
}

export interface DecisionParts {
  readonly checked: CheckedReview;
  /** Origin of the pinned ledger. */
  readonly ledger: string;
  readonly signer: Signer;
  readonly verdict: Verdict;
  readonly rationale: Rationale;
  /** What the person has typed of the action, where the rule asks for it. */
  readonly typed?: string;
  /** For how long it was shown before this. */
  readonly shownMs: number;
}

/** The salt keeps anybody who has the digest from trying texts until one fits. */
export function saltedRationale(text: string, salt: Uint8Array): Rationale {
  return { text, salt: toBase64url(salt) };
}

/** What the person signs: schemas/formats/decision.md §2. Only a review that this page has checked makes one. */
export function decisionStatement(parts: DecisionParts): DecisionStatement {
  const { checked, ledger, signer, verdict, rationale, typed, shownMs } = parts;
  const { admission, admissionLeaf } = checked;
  return {
    v: 'countersign.decision.v1',
    ledger,
    tenant: admission.tenant,
    action_id: admission.action_id,
    admission: admissionLeaf,
    action_digest: admission.action_digest,
    display_digest: admission.display_digest,
    verdict,
    rationale_digest: rationaleDigest(rationale),
    person: signer.person,
    credential: signer.credential,
    not_after: lastUse(admission),
    ...(typed !== undefined && { confirmation: confirmationTyped(checked, typed) }),
    // The clock of a terminal may be set back meanwhile.
    claimed_dwell_ms: Math.min(Math.max(0, Math.floor(shownMs)), DWELL_MAX_MS),
  };
}

/** Of what a person types, under the nonce of the action that was checked. */
export function confirmationTyped({ action }: CheckedReview, typed: string): Digest {
  return confirmationDigest(action.envelope.nonce, typed);
}

export function decisionFrame(
  statement: DecisionStatement,
  proof: HumanProof,
  rationale: Rationale,
): DecisionMade {
  return { v: 'countersign.decision-made.v1', statement, proof, rationale };
}

/**
 * The latest time at which a binding of this admission could be used. An earlier end would cut the binding short,
 * a later one would let the approval outlive everything that it could be for.
 */
function lastUse(admission: RequestAdmitted): string {
  const useByMs = timestampMs(admission.decide_by) + admission.use_within_s * 1_000;
  return formatTimestamp(Math.min(useByMs, timestampMs(admission.not_after)));
}
