import { derFromRaw } from '@countersign/canonical';
import type { CborValue } from '@countersign/cbor';
import { rootFromInclusion, type VerifySignature } from '@countersign/tlog';
import { CoseReceiptError } from './cose-receipt-error.ts';
import {
  INCLUSION,
  PROOFS,
  RECEIPT_TAG,
  SIGNATURE_SIZE_BYTES,
  signedBytes,
} from './receipt-form.ts';
import { readHeader, type LogKeyAlgorithm, type ReceiptHeader } from './receipt-header.ts';
import { asArray, asBytes, asMap, assertLabels, malformed, readWhole } from './strict-item.ts';

/** Of 63 hashes a path has 2.2 KiB; the rest is for the header. Lengths fit in two bytes, too. */
const RECEIPT_SIZE_MAX_BYTES = 65_535;
const PROOF_HASHES_MAX = 63;
const HASH_SIZE_BYTES = 32;

/** The key of the log. The receipt names one too, but whoever wrote it chose that name. */
export interface LogKey {
  readonly algorithm: LogKeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

export interface CoseReceiptTrust {
  readonly receipt: Uint8Array;
  /** Of the entry that the receipt is to be for. */
  readonly leafHash: Uint8Array;
  readonly key: LogKey;
  readonly verifySignature: VerifySignature;
  /** Where the caller knows the entry to stand, from a source that it trusts. */
  readonly place?: { readonly index: number; readonly size: number };
}

export interface VerifiedCoseReceipt extends ReceiptHeader {
  /** Signed by the log: the entry is in the tree of this root. */
  readonly root: Uint8Array;
  /**
   * As the receipt claims them. The signature covers the root alone, and trees of several sizes lead to it by the
   * same path: unless `place` was given, they are no evidence of where the entry stands.
   */
  readonly index: number;
  readonly size: number;
}

/**
 * Verifies a COSE receipt of inclusion (RFC 9942) offline: the log of this key has signed the root of a tree of RFC 9162
 * that holds the entry with this leaf hash. It names no origin and carries no cosignature: that everyone sees the same
 * tree is outside the format.
 *
 * @throws CoseReceiptError any of its codes; TlogError `PROOF_INDEX`, `PROOF_LENGTH`; whatever `verifySignature` throws
 */
export async function verifyCoseReceipt(trust: CoseReceiptTrust): Promise<VerifiedCoseReceipt> {
  const { receipt, leafHash, key, verifySignature, place } = trust;
  const { protectedHeader, inclusion, signature } = readReceipt(receipt);
  const header = readHeader(protectedHeader, key.algorithm);
  const { index, size, proof } = inclusion;
  if (place !== undefined && (place.index !== index || place.size !== size)) {
    throw new CoseReceiptError(
      'RECEIPT_PLACE',
      `expected index ${place.index} of ${place.size}, got ${index} of ${size}`,
    );
  }
  const root = rootFromInclusion({ leafHash, index, size, proof });
  const isGood = await verifySignature({
    algorithm: key.algorithm,
    publicKey: key.publicKey,
    message: signedBytes(protectedHeader, root),
    signature: key.algorithm === 'ed25519' ? signature : derFromRaw(signature),
  });
  if (!isGood) {
    throw new CoseReceiptError(
      'RECEIPT_SIGNATURE',
      'the key has not signed the root of this entry',
    );
  }
  return { ...header, root, index, size };
}

interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
}

interface Receipt {
  readonly protectedHeader: Uint8Array;
  readonly inclusion: Inclusion;
  readonly signature: Uint8Array;
}

function readReceipt(bytes: Uint8Array): Receipt {
  if (bytes.length > RECEIPT_SIZE_MAX_BYTES) {
    throw malformed(`at most ${RECEIPT_SIZE_MAX_BYTES} bytes`);
  }
  if (bytes[0] !== RECEIPT_TAG) throw malformed('the tag of COSE_Sign1');
  const [header, unprotected, payload, signature] = asArray(readWhole(bytes, 1), 4);
  if (payload !== null) throw malformed('a detached payload');
  return {
    protectedHeader: asBytes(header),
    inclusion: readInclusion(unprotected),
    signature: asBytes(signature, SIGNATURE_SIZE_BYTES),
  };
}

// Nothing signs this header, so nothing but the proof may stand in it; and of two proofs one could be false.
function readInclusion(unprotected: CborValue | undefined): Inclusion {
  const header = asMap(unprotected);
  assertLabels(header, [PROOFS]);
  const proofs = asMap(header.get(PROOFS));
  assertLabels(proofs, [INCLUSION]);
  const [bytes] = asArray(proofs.get(INCLUSION), 1);
  const [size, index, path] = asArray(readWhole(asBytes(bytes)), 3);
  if (typeof size !== 'number' || typeof index !== 'number') throw malformed('size and index');
  if (!Array.isArray(path) || path.length > PROOF_HASHES_MAX) {
    throw malformed(`a path of at most ${PROOF_HASHES_MAX} hashes`);
  }
  return { size, index, proof: path.map((hash) => asBytes(hash, HASH_SIZE_BYTES)) };
}
