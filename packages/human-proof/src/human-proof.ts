import { isJsonObject, type Json } from '@countersign/canonical';
import { parseSshsigProof, type SshsigProof } from './sshsig-proof.ts';
import { parseWebauthnProof, type WebauthnProof } from './webauthn-proof.ts';

/** What a person's own key made, told apart by `kind`. */
export type HumanProof = WebauthnProof | SshsigProof;

/** @throws HumanProofError `ASSERTION_INVALID` with why `proof` or `size` */
export function parseHumanProof(json: Json): HumanProof {
  return isJsonObject(json) && json['kind'] === 'sshsig'
    ? parseSshsigProof(json)
    : parseWebauthnProof(json);
}
