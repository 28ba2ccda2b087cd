import { fromBase64url } from '@countersign/canonical';
import type { WebauthnProof } from '@countersign/human-proof';

/** After the hash of the rpId and the flags: WebAuthn §6.1. */
const COUNTER_OFFSET = 33;

/** The counter of an assertion that was accepted, and whose form was thus checked. */
export function counterOf(proof: WebauthnProof): number {
  const data = fromBase64url(proof.authenticator_data);
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(COUNTER_OFFSET);
}
