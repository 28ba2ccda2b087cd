import { equalBytes, rawFromDer, type SignatureCheck } from '@countersign/canonical';
import { WebCryptoError } from './web-crypto-error.ts';

type Algorithm = SignatureCheck['algorithm'];

const ALGORITHMS: Readonly<
  Record<Algorithm, { name: string; namedCurve?: string; hash?: string }>
> = {
  ed25519: { name: 'Ed25519' },
  'ecdsa-p256-sha256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'rsa-pkcs1-sha256': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'rsa-pkcs1-sha512': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
};

const MIN_RSA_BITS = 2_048;
const MAX_RSA_BITS = 4_096;
const MAX_RSA_EXPONENT = 0x7fff_ffff;

/** WebCrypto takes no views of shared memory; this is always memory of its own. */
export function ownBytes(bytes: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/**
 * Checks a signature with WebCrypto. False for a signature that does not hold, and for what is no key or signature.
 *
 * @throws WebCryptoError BROWSER_TOO_OLD when the browser does not know the algorithm: it could not check
 */
export async function verifySignature(check: SignatureCheck): Promise<boolean> {
  const algorithm = ALGORITHMS[check.algorithm];
  const signature =
    check.algorithm === 'ecdsa-p256-sha256' ? rawFromDer(check.signature) : check.signature;
  if (signature === undefined) return false;
  const key = await publicKey(check.publicKey, algorithm);
  if (key === undefined) return false;
  return crypto.subtle.verify(algorithm, key, ownBytes(signature), ownBytes(check.message));
}

async function publicKey(
  spki: Uint8Array,
  algorithm: { name: string },
): Promise<CryptoKey | undefined> {
  try {
    const key = await crypto.subtle.importKey('spki', ownBytes(spki), algorithm, true, ['verify']);
    return isRsaSize(key) && (await isOneForm(key, spki)) ? key : undefined;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // A malformed key is a DataError; without the algorithm nothing was checked, and that must not read as "no".
    if (error.name !== 'NotSupportedError') return undefined;
    throw new WebCryptoError(`expected a browser that can check ${algorithm.name} signatures`, {
      cause: error,
    });
  }
}

/** Browsers take other encodings of the same key, compressed points among them; then one key would have many thumbprints. */
async function isOneForm(key: CryptoKey, spki: Uint8Array): Promise<boolean> {
  return equalBytes(new Uint8Array(await crypto.subtle.exportKey('spki', key)), spki);
}

/** As `VerifySignature` says; true of every other key. */
function isRsaSize({ algorithm }: CryptoKey): boolean {
  if (!('modulusLength' in algorithm)) return true;
  const { modulusLength: bits, publicExponent } = algorithm as RsaKeyAlgorithm;
  const exponent = publicExponent.reduce((sum, digit) => sum * 256 + digit, 0);
  const isExponent = exponent > 1 && exponent <= MAX_RSA_EXPONENT && exponent % 2 === 1;
  return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS && isExponent;
}
