import { concatBytes, equalBytes } from './byte-array.ts';
import { CanonicalError } from './canonical-error.ts';

/** One signature to check. The pure packages say what to check; who calls them brings the cryptography. */
export interface SignatureCheck {
  readonly algorithm: 'ed25519' | 'ecdsa-p256-sha256' | 'rsa-pkcs1-sha256' | 'rsa-pkcs1-sha512';
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** Of ECDSA: ASN.1 DER, not r ‖ s. */
  readonly signature: Uint8Array;
}

/**
 * MUST return true only for a valid signature, and false for a key or a signature that cannot be parsed.
 * MUST throw, not return false, when it could not check.
 */
export type VerifySignature = (check: SignatureCheck) => boolean | Promise<boolean>;

/** RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }. */
const ED25519_SPKI_PREFIX = Uint8Array.of(
  ...[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
);
const ED25519_KEY_BYTES = 32;

/** @throws {CanonicalError} ENCODING_FORMAT unless there are 32 bytes */
export function ed25519Spki(raw: Uint8Array): Uint8Array {
  if (raw.length !== ED25519_KEY_BYTES) {
    throw new CanonicalError(
      'ENCODING_FORMAT',
      `expected an Ed25519 key of 32 bytes, got ${raw.length}`,
    );
  }
  return concatBytes(ED25519_SPKI_PREFIX, raw);
}

/** @throws {CanonicalError} ENCODING_FORMAT unless this is the one SPKI form of an Ed25519 key */
export function ed25519Raw(spki: Uint8Array): Uint8Array {
  const prefix = spki.subarray(0, ED25519_SPKI_PREFIX.length);
  const raw = spki.slice(ED25519_SPKI_PREFIX.length);
  if (!equalBytes(prefix, ED25519_SPKI_PREFIX) || raw.length !== ED25519_KEY_BYTES) {
    throw new CanonicalError('ENCODING_FORMAT', 'expected the SPKI of an Ed25519 key');
  }
  return raw;
}
