import { concatBytes, rawFromDer } from '@countersign/canonical';
import { writeCbor, type CborValue } from '@countersign/cbor';
import { parseVerifierKey, type NoteSigner, type NoteVerifier } from '@countersign/tlog';
import { CoseReceiptError } from './cose-receipt-error.ts';
import {
  INCLUSION,
  PROOFS,
  RECEIPT_TAG,
  SIGNATURE_SIZE_BYTES,
  signedBytes,
} from './receipt-form.ts';
import { writeHeader, type LogKeyAlgorithm } from './receipt-header.ts';

const ALGORITHM_OF: Readonly<Record<1 | 2, LogKeyAlgorithm>> = {
  1: 'ed25519',
  2: 'ecdsa-p256-sha256',
};

/** What a receipt says beside the place of its entry: the same for all entries under one root. */
export interface SignedRoot {
  readonly protectedHeader: Uint8Array;
  /** 64 bytes; of ECDSA r ‖ s. */
  readonly signature: Uint8Array;
}

/**
 * Signs the root of a tree as receipts do, under the origin of the log as issuer and the id of its key. Whoever calls this makes
 * sure that the head of this root was signed as a checkpoint: it is another statement of that head, and never the first.
 *
 * @throws CoseReceiptError `RECEIPT_SIGNATURE` for a signature of another form than the key's; TlogError `VKEY_FORMAT`; whatever
 * the signer rejects with
 */
export async function signRoot(root: Uint8Array, signer: NoteSigner): Promise<SignedRoot> {
  const { name, keyId, type } = parseVerifierKey(signer.vkey);
  const algorithm = ALGORITHM_OF[logKeyType(type)];
  const protectedHeader = writeHeader(algorithm, { keyId, issuer: name });
  const made = await signer.sign(signedBytes(protectedHeader, root));
  const signature = algorithm === 'ed25519' ? made : rawFromDer(made);
  if (signature?.length === SIGNATURE_SIZE_BYTES) return { protectedHeader, signature };
  throw new CoseReceiptError(
    'RECEIPT_SIGNATURE',
    `expected a signature of ${algorithm}, got ${made.length} bytes that are none`,
  );
}

/** Of a key that signs a log, and no witness. @throws CoseReceiptError `RECEIPT_ALGORITHM` */
function logKeyType(type: NoteVerifier['type']): 1 | 2 {
  if (type !== 4) return type;
  throw new CoseReceiptError('RECEIPT_ALGORITHM', 'expected the key of a log, got a witness’s');
}

export interface CoseReceiptParts {
  readonly signedRoot: SignedRoot;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
}

/** Writes a receipt (RFC 9942 §5.2). Nothing is checked: whoever gets it does. */
export function formatCoseReceipt(parts: CoseReceiptParts): Uint8Array {
  const { signedRoot, index, size, proof } = parts;
  const inclusion = writeCbor([size, index, [...proof]]);
  const unprotected = new Map<number, CborValue>([[PROOFS, new Map([[INCLUSION, [inclusion]]])]]);
  return concatBytes(
    Uint8Array.of(RECEIPT_TAG),
    writeCbor([signedRoot.protectedHeader, unprotected, null, signedRoot.signature]),
  );
}
