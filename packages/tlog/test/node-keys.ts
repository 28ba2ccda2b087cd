import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { formatVerifierKey, parseVerifierKey } from '../src/index.ts';
import type { NoteSigner, NoteVerifier, VerifySignature } from '../src/index.ts';

export const verifySignature: VerifySignature = ({ algorithm, publicKey, message, signature }) => {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify(algorithm === 'ed25519' ? null : 'sha256', message, key, signature);
};

/** The Ed25519 key of the vectors whose 32 private bytes all equal `seedByte`. */
export function ed25519Key(seedByte: number): KeyObject {
  const seed = Buffer.alloc(32, seedByte);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

export function signerOf(name: string, key: KeyObject): NoteSigner {
  const isEd25519 = key.asymmetricKeyType === 'ed25519';
  const vkey = formatVerifierKey({
    name,
    algorithm: isEd25519 ? 'ed25519' : 'ecdsa-p256',
    publicKey: spkiOf(key),
  });
  return {
    name,
    vkey,
    sign: (message) =>
      Promise.resolve(new Uint8Array(sign(isEd25519 ? null : 'sha256', message, key))),
  };
}

/** The verifier key of any type byte and key, well formed or not, but with the id that belongs to it. */
export function vkeyOf(name: string, typed: Uint8Array): string {
  const digest = createHash('sha256').update(`${name}\n`).update(typed).digest('hex');
  return `${name}+${digest.slice(0, 8)}+${Buffer.from(typed).toString('base64')}`;
}

/** A witness whose every cosignature is of second 1. */
export function cosignerOf(
  name: string,
  key: KeyObject,
): { verifier: NoteVerifier; cosign: (text: string) => string } {
  const typed = Uint8Array.of(4, ...spkiOf(key).subarray(12));
  const verifier = parseVerifierKey(vkeyOf(name, typed));
  const cosign = (text: string): string => {
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1\n${text}`), key);
    const bytes = Buffer.concat([verifier.keyId, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1), signature]);
    return `\u2014 ${name} ${bytes.toString('base64')}\n`;
  };
  return { verifier, cosign };
}
