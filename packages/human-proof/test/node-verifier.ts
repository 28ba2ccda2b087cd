import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { SignatureCheck } from '@countersign/canonical';

const HASHES = {
  ed25519: null,
  'ecdsa-p256-sha256': 'sha256',
  'rsa-pkcs1-sha256': 'sha256',
  'rsa-pkcs1-sha512': 'sha512',
} as const;

/** The check that a service gives: node:crypto, and false for a key that it cannot read. */
export function verifyWithNode(check: SignatureCheck): boolean {
  const key = publicKeyOf(check.publicKey);
  if (key === undefined) return false;
  return verify(HASHES[check.algorithm], check.message, key, check.signature);
}

function publicKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
