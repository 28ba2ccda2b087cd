import { concatBytes, ed25519Spki } from '@countersign/canonical';
import { readCbor, type CborValue } from '@countersign/cbor';
import { isOnP256, isSafeEd25519Point } from './curve-point.ts';
import { HumanProofError, refusing } from './human-proof-error.ts';
import { rsaSpki } from './rsa-spki.ts';

/** The algorithms that a credential may use, by the names that signature checks use. */
export type CredentialAlgorithm = 'ed25519' | 'ecdsa-p256-sha256' | 'rsa-pkcs1-sha256';

export interface ParsedCoseKey {
  algorithm: CredentialAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  spki: Uint8Array;
  /** How long a raw signature of this key is; undefined where the length varies (ECDSA in DER). */
  signatureBytes: number | undefined;
}

type CoseMap = Map<number | string, CborValue>;

// RFC 9052 §7, RFC 9053 §7: common and key type parameters.
const KTY = 1;
const ALG = 3;
const KTY_OKP = 1;
const KTY_EC2 = 2;
const KTY_RSA = 3;
const ES256 = -7;
const EDDSA = -8;
const RS256 = -257;
const CRV_P256 = 1;
const CRV_ED25519 = 6;

/** SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING 04 … } up to and with the 04. */
export const P256_SPKI_PREFIX: Uint8Array = Uint8Array.from([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
  0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
]);

/**
 * Reads a credential's public key as WebAuthn registered it, schemas/formats/human-proof.md §5.
 *
 * @throws HumanProofError with why `algorithm` for a kind that is not allowed, `key` for a bad key of an allowed kind
 */
export function parseCoseKey(bytes: Uint8Array): ParsedCoseKey {
  const { value, next } = refusing('key', () => readCbor(bytes, 0));
  if (next !== bytes.length) throw badKey('nothing after the COSE key', 'more bytes');
  if (!(value instanceof Map)) throw badKey('a COSE key map', 'another kind of item');
  const kty = value.get(KTY);
  const alg = value.get(ALG);
  if (kty === KTY_EC2 && alg === ES256) return p256Key(value);
  if (kty === KTY_OKP && alg === EDDSA) return ed25519Key(value);
  if (kty === KTY_RSA && alg === RS256) return rsaKey(value);
  throw new HumanProofError('algorithm', 'expected a key for ES256, EdDSA or RS256');
}

function p256Key(key: CoseMap): ParsedCoseKey {
  assertOnly(key, 5);
  assertCurve(key, CRV_P256);
  const x = bytesOf(key, -2, 32);
  const y = bytesOf(key, -3, 32);
  if (!isOnP256(x, y)) throw badKey('a point on P-256', 'another point');
  return {
    algorithm: 'ecdsa-p256-sha256',
    spki: concatBytes(P256_SPKI_PREFIX, x, y),
    signatureBytes: undefined,
  };
}

function ed25519Key(key: CoseMap): ParsedCoseKey {
  assertOnly(key, 4);
  assertCurve(key, CRV_ED25519);
  const x = bytesOf(key, -2, 32);
  if (!isSafeEd25519Point(x)) throw badKey('an Ed25519 point of large order', 'another');
  return { algorithm: 'ed25519', spki: ed25519Spki(x), signatureBytes: 64 };
}

function rsaKey(key: CoseMap): ParsedCoseKey {
  assertOnly(key, 4);
  const modulus = bytesOf(key, -1);
  const exponent = bytesOf(key, -2);
  return {
    algorithm: 'rsa-pkcs1-sha256',
    spki: rsaSpki(modulus, exponent),
    signatureBytes: modulus.length,
  };
}

/** WebAuthn §6.5.1.1: a credential key holds `alg` and what its type requires, nothing optional. */
function assertOnly(key: CoseMap, size: number): void {
  if (key.size !== size) throw badKey(`${size} parameters`, `${key.size}`);
}

function assertCurve(key: CoseMap, curve: number): void {
  if (key.get(-1) !== curve) {
    throw new HumanProofError('algorithm', `expected COSE curve ${curve} for this algorithm`);
  }
}

function bytesOf(key: CoseMap, label: number, length?: number): Uint8Array {
  const value = key.get(label);
  if (!(value instanceof Uint8Array)) throw badKey(`bytes in parameter ${label}`, 'none');
  if (length !== undefined && value.length !== length) {
    throw badKey(`${length} bytes in parameter ${label}`, `${value.length}`);
  }
  return value;
}

function badKey(expected: string, got: string): HumanProofError {
  return new HumanProofError('key', `expected ${expected}, got ${got}`);
}
