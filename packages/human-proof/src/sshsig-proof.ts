import { fromBase64url, type Json } from '@countersign/canonical';
import { HumanProofError, refusing } from './human-proof-error.ts';
import { assertProofSize, closedTexts } from './proof-members.ts';

/** A signature by ssh-keygen as it stands in an entry: schemas/formats/sshsig-proof.md §1. */
export interface SshsigProof {
  kind: 'sshsig';
  credential_id: string;
  /** What stands between the lines of the armour, in base64url. */
  signature: string;
}

const MEMBERS = ['credential_id', 'kind', 'signature'] as const;
/** The id is the SHA-256 of the key, which ssh-keygen -l shows. */
const CREDENTIAL_ID_BYTES = 32;

/** @throws HumanProofError `ASSERTION_INVALID` with why `proof` or `size` */
export function parseSshsigProof(json: Json): SshsigProof {
  const { credential_id, signature } = closedTexts(json, 'sshsig', MEMBERS);
  const proof: SshsigProof = { kind: 'sshsig', credential_id, signature };
  decodeSshsigProof(proof);
  return proof;
}

/** The signature's bytes. */
export function decodeSshsigProof(proof: SshsigProof): Uint8Array {
  assertProofSize(proof);
  return refusing('proof', () => {
    if (fromBase64url(proof.credential_id).length !== CREDENTIAL_ID_BYTES) {
      throw new HumanProofError('proof', 'expected a credential id of 32 bytes');
    }
    return fromBase64url(proof.signature);
  });
}
