import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ed25519Raw,
  ed25519Spki,
  utf8,
  type SignatureCheck,
  type VerifySignature,
} from '../src/index.ts';
import { refusal } from './refusal.ts';

describe('Ed25519 keys', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));

  it('are the SPKI that the platform writes, and back', () => {
    const raw = ed25519Raw(spki);
    expect(raw).toHaveLength(32);
    expect(ed25519Spki(raw)).toEqual(spki);
  });

  it('fit a check of a signature', async () => {
    const verifySignature: VerifySignature = (check) => {
      const key = createPublicKey({
        key: Buffer.from(check.publicKey),
        format: 'der',
        type: 'spki',
      });
      return verify(null, check.message, key, check.signature);
    };
    const message = utf8('approve');
    const check: SignatureCheck = {
      algorithm: 'ed25519',
      publicKey: ed25519Spki(ed25519Raw(spki)),
      message,
      signature: Uint8Array.from(sign(null, message, privateKey)),
    };
    expect(await verifySignature(check)).toBe(true);
    expect(await verifySignature({ ...check, message: utf8('deny') })).toBe(false);
  });

  it('refuse another length or another kind', () => {
    expect(refusal(() => ed25519Spki(new Uint8Array(31)))).toBe('ENCODING_FORMAT');
    expect(refusal(() => ed25519Spki(new Uint8Array(33)))).toBe('ENCODING_FORMAT');
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    const x25519 = generateKeyPairSync('x25519').publicKey;
    for (const key of [p256, x25519]) {
      const der = Uint8Array.from(key.export({ type: 'spki', format: 'der' }));
      expect(refusal(() => ed25519Raw(der))).toBe('ENCODING_FORMAT');
    }
    expect(refusal(() => ed25519Raw(spki.subarray(0, 43)))).toBe('ENCODING_FORMAT');
    expect(refusal(() => ed25519Raw(Uint8Array.of(...spki, 0)))).toBe('ENCODING_FORMAT');
    expect(refusal(() => ed25519Raw(new Uint8Array(0)))).toBe('ENCODING_FORMAT');
  });
});
