import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { signedMessage, keyThumbprint, type SignedKind } from '@countersign/binding';
import type { Digest, VerifySignature } from '@countersign/canonical';

/** Signature checks as a service makes them. */
export const verifySignature: VerifySignature = ({ algorithm, publicKey, message, signature }) => {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify(algorithm === 'ed25519' ? null : 'sha256', message, key, signature);
};

export interface TestKey {
  readonly thumbprint: Digest;
  /** SPKI, base64url. */
  readonly publicKey: string;
  readonly sign: (kind: SignedKind, payload: Uint8Array) => string;
}

function testKey(privateKey: KeyObject, hash: 'sha256' | null): TestKey {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    thumbprint: keyThumbprint(spki),
    publicKey: spki.toString('base64url'),
    sign: (kind, payload) =>
      sign(hash, signedMessage(kind, payload), privateKey).toString('base64url'),
  };
}

/** An Ed25519 key that is the same in every run, so that vectors made with it are too. */
export function ed25519Key(name: string): TestKey {
  const seed = createHash('sha256').update(name).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return testKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), null);
}

/** A fresh P-256 key of an invitation. */
export function invitationKey(): TestKey {
  return testKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'sha256');
}

/** A signed object as it travels. */
export function frame(key: TestKey, kind: SignedKind, payload: Uint8Array): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      key: key.thumbprint,
      payload: Buffer.from(payload).toString('base64url'),
      signature: key.sign(kind, payload),
    }),
  );
}
