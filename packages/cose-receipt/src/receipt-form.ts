import { writeCbor } from '@countersign/cbor';

/** COSE_Sign1, tag 18 in one byte (RFC 9052 §4.2). */
export const RECEIPT_TAG = 0xd2;
// RFC 9942 §2 and §5.2.
export const PROOFS = 396;
export const INCLUSION = -1;
export const SIGNATURE_SIZE_BYTES = 64;

/**
 * Sig_structure of RFC 9052 §4.4: ["Signature1", protected header, no external data, the root]. It begins with a byte with which no
 * UTF-8 text does, so no signature of it is one of a signed note, nor the other way round.
 */
export function signedBytes(protectedHeader: Uint8Array, root: Uint8Array): Uint8Array {
  return writeCbor(['Signature1', protectedHeader, new Uint8Array(), root]);
}
