import { fromBase64url, type Json } from '@countersign/canonical';
import { HumanProofError, refusing } from './human-proof-error.ts';

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

const MAX_PROOF_BYTES = 3_000;
/** WebAuthn §6.5.1: credential ids are at most 1,023 bytes. */
const MAX_CREDENTIAL_ID_BYTES = 1_023;

/**
 * Reads a proof out of parsed JSON: exactly the five members, each canonical base64url.
 *
 * @throws HumanProofError `ASSERTION_INVALID` with why `proof` or `size`
 */
export function parseWebauthnProof(json: Json): WebauthnProof {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw new HumanProofError('proof', 'expected a proof object');
  }
  const members = new Map(Object.entries(json));
  if (members.size !== MEMBERS.length || !MEMBERS.every((name) => members.has(name))) {
    throw new HumanProofError('proof', `expected exactly the members ${MEMBERS.join(', ')}`);
  }
  if (members.get('kind') !== 'webauthn') {
    throw new HumanProofError('proof', 'expected kind webauthn');
  }
  const proof: WebauthnProof = {
    kind: 'webauthn',
    credential_id: text(members, 'credential_id'),
    authenticator_data: text(members, 'authenticator_data'),
    client_data_json: text(members, 'client_data_json'),
    signature: text(members, 'signature'),
  };
  decodeProof(proof);
  return proof;
}

function text(members: ReadonlyMap<string, Json>, name: string): string {
  const value = members.get(name);
  if (typeof value !== 'string') throw new HumanProofError('proof', `expected text in ${name}`);
  return value;
}

export function decodeProof(proof: WebauthnProof): ProofBytes {
  // All members are ASCII without escapes, so this is the length of the canonical bytes too.
  const size = JSON.stringify(proof).length;
  if (size > MAX_PROOF_BYTES) {
    throw new HumanProofError(
      'size',
      `expected a proof of at most ${MAX_PROOF_BYTES} bytes, got ${size}`,
    );
  }
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
