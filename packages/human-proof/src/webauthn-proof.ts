import { fromBase64url, type Json } from '@countersign/canonical';
import { HumanProofError, refusing } from './human-proof-error.ts';
import { assertProofSize, closedTexts } from './proof-members.ts';

/** A WebAuthn assertion as it stands in an entry: schemas/formats/human-proof.md §1. */
export interface WebauthnProof {
  kind: 'webauthn';
  credential_id: string;
  authenticator_data: string;
  client_data_json: string;
  signature: string;
}

/** The same proof with its members decoded. */
export interface ProofBytes {
  credentialId: string;
  authenticatorData: Uint8Array;
  clientDataJson: Uint8Array;
  signature: Uint8Array;
}

const MEMBERS = [
  'authenticator_data',
  'client_data_json',
  'credential_id',
  'kind',
  'signature',
] as const;

/** WebAuthn §6.5.1: credential ids are at most 1,023 bytes. */
const MAX_CREDENTIAL_ID_BYTES = 1_023;

/**
 * Reads a proof out of parsed JSON: exactly the five members, each canonical base64url.
 *
 * @throws HumanProofError `ASSERTION_INVALID` with why `proof` or `size`
 */
export function parseWebauthnProof(json: Json): WebauthnProof {
  const texts = closedTexts(json, 'webauthn', MEMBERS);
  const proof: WebauthnProof = {
    kind: 'webauthn',
    credential_id: texts.credential_id,
    authenticator_data: texts.authenticator_data,
    client_data_json: texts.client_data_json,
    signature: texts.signature,
  };
  decodeProof(proof);
  return proof;
}

export function decodeProof(proof: WebauthnProof): ProofBytes {
  assertProofSize(proof);
  return refusing('proof', () => {
    const idBytes = fromBase64url(proof.credential_id).length;
    if (idBytes === 0 || idBytes > MAX_CREDENTIAL_ID_BYTES) {
      throw new HumanProofError(
        'proof',
        `expected a credential id of 1 to ${MAX_CREDENTIAL_ID_BYTES} bytes, got ${idBytes}`,
      );
    }
    return {
      credentialId: proof.credential_id,
      authenticatorData: fromBase64url(proof.authenticator_data),
      clientDataJson: fromBase64url(proof.client_data_json),
      signature: fromBase64url(proof.signature),
    };
  });
}
