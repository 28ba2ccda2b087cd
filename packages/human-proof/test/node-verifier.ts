import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { SignatureCheck } from '@countersign/canonical';

/** The check that a service gives: node:crypto, and false for a key that it cannot read. */
export function verifyWithNode(check: SignatureCheck): boolean {
  const key = publicKeyOf(check.publicKey);
  if (key === undefined) return false;
  const hash = check.algorithm === 'ed25519' ? null : 'sha256';
  return verify(hash, check.message, key, check.signature);
}

function publicKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
