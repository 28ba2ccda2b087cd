import { writeCbor, type CborValue } from '@countersign/cbor';
import { CoseReceiptError } from './cose-receipt-error.ts';
import { asBytes, asMap, assertLabels, malformed, readWhole, type CborMap } from './strict-item.ts';

// RFC 9052 §3.1, RFC 9597 §2, RFC 9942 §2.
const ALG = 1;
const KID = 4;
const CWT_CLAIMS = 15;
const VDS = 395;
// RFC 8392 §3.1.
const ISS = 1;
const SUB = 2;

const RFC9162_SHA256 = 1;

export type LogKeyAlgorithm = 'ed25519' | 'ecdsa-p256-sha256';

/** EdDSA and ES256, RFC 9053 §2. EdDSA does not name its curve: the key does. */
const ALG_OF: Readonly<Record<LogKeyAlgorithm, number>> = { ed25519: -8, 'ecdsa-p256-sha256': -7 };

/** What the log says of itself; it has signed all of it. */
export interface ReceiptHeader {
  readonly keyId?: Uint8Array;
  readonly issuer?: string;
  readonly subject?: string;
}

/** The protected header of a receipt by a key of this kind. */
export function writeHeader(algorithm: LogKeyAlgorithm, header: ReceiptHeader): Uint8Array {
  const { keyId, issuer, subject } = header;
  const claims = new Map<number, CborValue>();
  if (issuer !== undefined) claims.set(ISS, issuer);
  if (subject !== undefined) claims.set(SUB, subject);
  const labels = new Map<number, CborValue>([
    [ALG, ALG_OF[algorithm]],
    [VDS, RFC9162_SHA256],
  ]);
  if (keyId !== undefined) labels.set(KID, keyId);
  if (claims.size > 0) labels.set(CWT_CLAIMS, claims);
  return writeCbor(labels);
}

/**
 * Reads the protected header. `crit`, an expiry or anything else that is not known is refused: it could limit what
 * the receipt says.
 *
 * @throws CoseReceiptError `RECEIPT_MALFORMED`, `RECEIPT_HEADER`, `RECEIPT_ALGORITHM`, `RECEIPT_TREE`
 */
export function readHeader(bytes: Uint8Array, algorithm: LogKeyAlgorithm): ReceiptHeader {
  const header = asMap(readWhole(bytes));
  assertLabels(header, [ALG, KID, CWT_CLAIMS, VDS]);
  if (header.get(ALG) !== ALG_OF[algorithm]) {
    throw new CoseReceiptError(
      'RECEIPT_ALGORITHM',
      `expected COSE algorithm ${ALG_OF[algorithm]} of the key, got another`,
    );
  }
  if (header.get(VDS) !== RFC9162_SHA256) {
    throw new CoseReceiptError('RECEIPT_TREE', `expected tree ${RFC9162_SHA256}, got another`);
  }
  const keyId = header.has(KID) ? { keyId: asBytes(header.get(KID)) } : {};
  return header.has(CWT_CLAIMS) ? { ...keyId, ...readClaims(header.get(CWT_CLAIMS)) } : keyId;
}

function readClaims(value: CborValue | undefined): Omit<ReceiptHeader, 'keyId'> {
  const claims = asMap(value);
  assertLabels(claims, [ISS, SUB]);
  const issuer = textOf(claims, ISS);
  const subject = textOf(claims, SUB);
  return { ...(issuer !== undefined && { issuer }), ...(subject !== undefined && { subject }) };
}

function textOf(claims: CborMap, label: number): string | undefined {
  const value = claims.get(label);
  if (value !== undefined && typeof value !== 'string') throw malformed('a text in a claim');
  return value;
}
