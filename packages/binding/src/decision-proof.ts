import type { Digest, VerifySignature } from '@countersign/canonical';
import {
  HumanProofError,
  verifyAssertion,
  verifySshsig,
  type AssertionFacts,
  type HumanProof,
  type ProofFacts,
} from '@countersign/human-proof';
import type { AttestedBy } from './attested-model.ts';
import type { AuthorityState } from './authority.ts';
import { isSshKey, type CredentialMember, type PasskeyMember } from './authority-member.ts';
import {
  challengeOf,
  DECISION_NAMESPACE,
  decisionMessage,
  type DecisionStatement,
} from './decision-statement.ts';
import type { Requirement } from './policy.ts';

/** What a proof is held to besides the statement: the credential that the statement names, and where it belongs. */
export interface ProvenBy {
  readonly authority: AuthorityState;
  readonly credential: CredentialMember;
  /** Of the statement. */
  readonly statementDigest: Digest;
  /** Of a passkey only: a signature by SSH is judged by the class that it proves. */
  readonly requireUserVerification: boolean;
}

/**
 * Checks that a credential signed a decision statement: with an assertion over its digest, or with a signature of
 * ssh-keygen over its bytes. schemas/formats/decision.md §3.
 *
 * @throws HumanProofError, and what `verifySignature` throws when it cannot check
 */
export async function verifyDecisionProof(
  signed: { readonly statement: DecisionStatement; readonly proof: HumanProof },
  by: ProvenBy,
  verifySignature: VerifySignature,
): Promise<ProofFacts | AssertionFacts> {
  const { credential } = by;
  const { proof, statement } = signed;
  const key = { credential_id: credential.id, public_key: credential.public_key };
  if (proof.kind === 'sshsig' && isSshKey(credential)) {
    const expected = {
      namespace: DECISION_NAMESPACE,
      message: decisionMessage(statement),
      credential: key,
    };
    return verifySshsig(proof, expected, verifySignature);
  }
  if (proof.kind === 'webauthn' && !isSshKey(credential)) {
    const expected = {
      ...placesOf(credential, by.authority),
      challenge: challengeOf(by.statementDigest),
      credential: key,
      requireUserVerification: by.requireUserVerification,
    };
    return verifyAssertion(proof, expected, verifySignature);
  }
  throw new HumanProofError(
    'credential',
    'expected a proof of the kind that this credential makes',
  );
}

/** Whether a key is of the kind that a rule asks for, by what there is of it. */
export function isOfClass(
  credential: CredentialMember,
  facts: ProofFacts | AssertionFacts,
  asked: Pick<Requirement, 'device_bound' | 'attested'>,
): boolean {
  const isKept = asked.device_bound !== true || isDeviceBound(credential, facts);
  return isKept && couldBeOfClass(credential, asked);
}

/** Whether a key could be of the kind that a rule asks for, by what is known of it before it signs. */
export function couldBeOfClass(
  credential: CredentialMember,
  { device_bound: isKept, attested }: Pick<Requirement, 'device_bound' | 'attested'>,
): boolean {
  if (isKept === true && !isSshKey(credential) && credential.backup_eligible) return false;
  return attested === undefined || isAttested(credential, attested);
}

/**
 * Whether the key of a proof stays in one device, by all that tells: a passkey when it was enrolled and now, and the type of an
 * SSH key. Nobody attests it: schemas/formats/policy.md §5.
 */
function isDeviceBound(credential: CredentialMember, facts: ProofFacts | AssertionFacts): boolean {
  if (isSshKey(credential)) return facts.proofClass !== 'possession';
  return !credential.backup_eligible && 'backupEligible' in facts && !facts.backupEligible;
}

/** Whether somebody whom a rule names vouches for the model of this key. Nobody does for an SSH key: schemas/formats/policy.md §15. */
function isAttested(credential: CredentialMember, by: readonly AttestedBy[]): boolean {
  if (isSshKey(credential) || credential.attestation === undefined) return false;
  const { root, model: own } = credential.attestation;
  return by.some(({ root: named, models }) => named === root && (models?.includes(own) ?? true));
}

/** An assertion holds for the rpId that its credential was made for, and for that rpId's origins alone. */
function placesOf(
  { rp_id }: PasskeyMember,
  { ledger }: AuthorityState,
): { origins: readonly string[]; rpIds: readonly string[] } {
  const rp = ledger.rps.find(({ id }) => id === rp_id);
  return { origins: rp?.origins ?? [], rpIds: rp === undefined ? [] : [rp.id] };
}
