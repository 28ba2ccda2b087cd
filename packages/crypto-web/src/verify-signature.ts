import { rawFromDer, type SignatureCheck } from '@countersign/canonical';
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
    return await crypto.subtle.importKey('spki', ownBytes(spki), algorithm, false, ['verify']);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // A malformed key is a DataError; without the algorithm nothing was checked, and that must not read as "no".
    if (error.name !== 'NotSupportedError') return undefined;
    throw new WebCryptoError(`expected a browser that can check ${algorithm.name} signatures`, {
      cause: error,
    });
  }
}
