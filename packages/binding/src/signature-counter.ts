import { fromBase64url } from '@countersign/canonical';
import { sshsigCounter, type HumanProof } from '@countersign/human-proof';

/** After the hash of the rpId and the flags: WebAuthn §6.1. */
const COUNTER_OFFSET = 33;

/** The counter of a proof that was accepted, and whose form was thus checked; 0 where there is none. */
export function counterOf(proof: HumanProof): number {
  if (proof.kind === 'sshsig') return sshsigCounter(proof);
  const data = fromBase64url(proof.authenticator_data);
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(COUNTER_OFFSET);
}
