import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import type { Digest } from '@countersign/canonical';
import { CryptoError } from './crypto-error.ts';

export interface Ed25519Key {
  readonly publicKeySpki: Uint8Array;
  readonly privateKey: KeyObject;
}

/** A new key, as it is kept: PKCS #8 in PEM. */
export function generateEd25519(): { publicKeySpki: Uint8Array; privateKeyPem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });
  return { publicKeySpki: new Uint8Array(publicKey), privateKeyPem: privateKey };
}

/** @throws {CryptoError} KEY_FORMAT */
export function parseEd25519(privateKeyPem: string): Ed25519Key {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: privateKeyPem, format: 'pem' });
  } catch (cause) {
    // The cause is OpenSSL's and quotes no key.
    throw new CryptoError('KEY_FORMAT', 'expected a private key in PEM', { cause });
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    const got = privateKey.asymmetricKeyType ?? 'unknown';
    throw new CryptoError('KEY_FORMAT', `expected an Ed25519 key, got one of type ${got}`);
  }
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { publicKeySpki: new Uint8Array(spki), privateKey };
}

export function signEd25519(key: Ed25519Key, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key.privateKey));
}

export function keyThumbprint(spki: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}
