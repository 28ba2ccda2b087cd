import {
  constants,
  createPublicKey,
  verify,
  type AsymmetricKeyDetails,
  type KeyObject,
  type VerifyKeyObjectInput,
} from 'node:crypto';
import type { SignatureCheck } from '@countersign/canonical';

const MAX_KEY_BYTES = 1_024;
const MAX_CACHED_KEYS = 4_096;
/** What an SPKI of P-256 holds before its point, which is uncompressed and 65 bytes with its first. */
const POINT_AT = 26;
const UNCOMPRESSED = 4;
const P256_SPKI_BYTES = 91;
const MIN_RSA_BITS = 2_048;
const MAX_RSA_BITS = 4_096;
const MAX_RSA_EXPONENT = 0x7fffffffn;

/** Parsing a key takes longer than checking a signature with it. null: not a key. In the order of last use. */
const cachedKeys = new Map<string, KeyObject | null>();

/**
 * Checks a signature with node:crypto. False for a wrong signature, and for a key or signature that cannot be parsed or is of
 * another kind than the algorithm, as `VerifySignature` asks. RSA keys have 2,048 to 4,096 bits, and an odd exponent of 3 to 2^31 - 1.
 * @example verifySignature({ algorithm: 'ed25519', publicKey, message, signature })
 */
export function verifySignature(check: SignatureCheck): boolean {
  const key = keyFor(check);
  return key !== null && verify(hashOf(check), check.message, key, check.signature);
}

/**
 * As `verifySignature`, on another thread: for whoever checks several at a time, on more than one core.
 * @example await Promise.all(checks.map(verifySignatureAside))
 */
export function verifySignatureAside(check: SignatureCheck): Promise<boolean> {
  const key = keyFor(check);
  if (key === null) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(hashOf(check), check.message, key, check.signature, (error, isValid) => {
      if (error === null) resolve(isValid);
      else reject(error);
    });
  });
}

function hashOf({ algorithm }: SignatureCheck): 'sha256' | 'sha512' | null {
  if (algorithm === 'ed25519') return null;
  return algorithm === 'rsa-pkcs1-sha512' ? 'sha512' : 'sha256';
}

/** The key with how its signatures are written; null for a key that is none, or of another kind. */
function keyFor({ publicKey, algorithm }: SignatureCheck): VerifyKeyObjectInput | null {
  const key = keyOf(publicKey);
  if (key === null || !fits(key, algorithm)) return null;
  switch (algorithm) {
    case 'ed25519':
      return { key };
    case 'ecdsa-p256-sha256':
      return { key, dsaEncoding: 'der' };
    case 'rsa-pkcs1-sha256':
    case 'rsa-pkcs1-sha512':
      return { key, padding: constants.RSA_PKCS1_PADDING };
  }
}

function keyOf(spki: Uint8Array): KeyObject | null {
  if (spki.length > MAX_KEY_BYTES) return null;
  const name = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString('latin1');
  const cached = cachedKeys.get(name);
  const key = cached === undefined ? parseKey(spki) : cached;
  cachedKeys.delete(name);
  cachedKeys.set(name, key);
  if (cachedKeys.size > MAX_CACHED_KEYS) {
    const [leastRecent] = cachedKeys.keys();
    if (leastRecent !== undefined) cachedKeys.delete(leastRecent);
  }
  return key;
}

function parseKey(spki: Uint8Array): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    // OpenSSL takes other encodings of the same key, and keeps a compressed or hybrid point as it is; then one key would have many thumbprints.
    const isPlain = key.asymmetricKeyType !== 'ec' || isUncompressed(spki);
    const isOneForm = key.export({ format: 'der', type: 'spki' }).equals(spki) && isPlain;
    return isOneForm ? key : null;
  } catch (error) {
    if (isOpensslError(error)) return null;
    throw error;
  }
}

function isUncompressed(spki: Uint8Array): boolean {
  return spki.length === P256_SPKI_BYTES && spki[POINT_AT] === UNCOMPRESSED;
}

function isOpensslError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_OSSL');
}

/** As other verifiers take it too: schemas/formats/human-proof.md §5. */
function isRsaSize({
  modulusLength: bits = 0,
  publicExponent: e = 0n,
}: AsymmetricKeyDetails = {}): boolean {
  const isExponent = e > 1n && e <= MAX_RSA_EXPONENT && e % 2n === 1n;
  return isExponent && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
}

function fits(key: KeyObject, algorithm: SignatureCheck['algorithm']): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  switch (algorithm) {
    case 'ed25519':
      return type === 'ed25519';
    case 'ecdsa-p256-sha256':
      return type === 'ec' && details?.namedCurve === 'prime256v1';
    case 'rsa-pkcs1-sha256':
    case 'rsa-pkcs1-sha512':
      return type === 'rsa' && isRsaSize(details);
  }
}
