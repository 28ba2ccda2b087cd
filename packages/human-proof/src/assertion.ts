import {
  concatBytes,
  fromBase64url,
  sha256,
  type SignatureCheck,
  type VerifySignature,
} from '@countersign/canonical';
import { matchRpId, parseAuthenticatorData } from './authenticator-data.ts';
import { verifyClientData } from './client-data.ts';
import { parseCoseKey, type ParsedCoseKey } from './cose-key.ts';
import { isDerSignature } from './ecdsa-signature.ts';
import { HumanProofError, refusing } from './human-proof-error.ts';
import type { ProofFacts } from './proof-facts.ts';
import { decodeProof, type WebauthnProof } from './webauthn-proof.ts';

/** A credential as the authority holds it: its id and its public key, COSE or of SSH, both base64url. */
export interface CredentialKey {
  credential_id: string;
  public_key: string;
}

export interface ExpectedAssertion {
  /** The 32-byte digest of the decision statement. */
  challenge: Uint8Array;
  /** Web origins and rpIds of the authority at that point of the log. */
  origins: readonly string[];
  rpIds: readonly string[];
  /** The credential that the decision names. */
  credential: CredentialKey;
  /** True where only proof class `uv` is accepted. */
  requireUserVerification: boolean;
}

/** What a valid assertion proves beyond its validity. */
export interface AssertionFacts extends ProofFacts {
  proofClass: 'uv' | 'up';
  backupEligible: boolean;
  backedUp: boolean;
  origin: string;
  rpId: string;
}

const CHALLENGE_BYTES = 32;

/**
 * Checks everything about an assertion but its signature, and answers the one signature check that is left.
 * The facts hold only once that check has passed; `verifyAssertion` does both.
 *
 * @throws HumanProofError `ASSERTION_INVALID`
 */
export function prepareAssertion(
  proof: WebauthnProof,
  expected: ExpectedAssertion,
): { check: SignatureCheck; facts: AssertionFacts } {
  if (expected.challenge.length !== CHALLENGE_BYTES) {
    throw new RangeError(`expected a digest of ${CHALLENGE_BYTES} bytes as challenge`);
  }
  const parts = decodeProof(proof);
  if (parts.credentialId !== expected.credential.credential_id) {
    throw new HumanProofError('credential', 'expected the credential that the decision names');
  }
  const origin = verifyClientData(parts.clientDataJson, expected);
  const data = parseAuthenticatorData(parts.authenticatorData);
  const rpId = matchRpId(data, expected.rpIds);
  if (!data.userPresent) throw new HumanProofError('user-present', 'expected flag UP');
  if (expected.requireUserVerification && !data.userVerified) {
    throw new HumanProofError('user-verified', 'expected flag UV');
  }
  const key = parseCoseKey(refusing('key', () => fromBase64url(expected.credential.public_key)));
  assertSignatureShape(parts.signature, key);
  return {
    check: {
      algorithm: key.algorithm,
      publicKey: key.spki,
      message: concatBytes(parts.authenticatorData, sha256(parts.clientDataJson)),
      signature: parts.signature,
    },
    facts: {
      proofClass: data.userVerified ? 'uv' : 'up',
      counter: data.counter,
      backupEligible: data.backupEligible,
      backedUp: data.backedUp,
      origin,
      rpId,
    },
  };
}

/**
 * Checks an assertion with its signature.
 *
 * @example
 * const facts = await verifyAssertion(proof, expected, verifySignature);
 *
 * @throws HumanProofError `ASSERTION_INVALID`
 */
export async function verifyAssertion(
  proof: WebauthnProof,
  expected: ExpectedAssertion,
  verifySignature: VerifySignature,
): Promise<AssertionFacts> {
  const { check, facts } = prepareAssertion(proof, expected);
  if (!(await verifySignature(check))) {
    throw new HumanProofError('signature', 'expected a signature of the registered key');
  }
  return facts;
}

/**
 * Whether two counters of one credential, in log order, tell of a possible copy of it (`CLONE_SUSPECTED`).
 * Synced passkeys always report 0, which says nothing.
 */
export function counterFinding(previous: number, next: number): boolean {
  return (previous !== 0 || next !== 0) && next <= previous;
}

function assertSignatureShape(signature: Uint8Array, key: ParsedCoseKey): void {
  const shaped =
    key.signatureBytes === undefined
      ? isDerSignature(signature)
      : signature.length === key.signatureBytes;
  if (!shaped) {
    throw new HumanProofError('signature', `expected the encoding of ${key.algorithm}`);
  }
}
