import { createPublicKey } from 'node:crypto';
import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HumanProofError, parseCoseKey } from '../src/index.ts';
import { ALGORITHMS, makePasskey } from './ceremony.ts';

const NAMES = {
  ES256: 'ecdsa-p256-sha256',
  EdDSA: 'ed25519',
  RS256: 'rsa-pkcs1-sha256',
} as const;

describe.each(ALGORITHMS)('a COSE key of %s', (algorithm) => {
  const passkey = makePasskey(algorithm);

  test('becomes the SPKI that node:crypto writes', () => {
    const { spki, ...rest } = parseCoseKey(passkey.cosePublicKey);
    const written = Buffer.from(passkey.register('').response.publicKey, 'base64url');
    expect(Buffer.from(spki)).toEqual(written);
    expect(rest.algorithm).toBe(NAMES[algorithm]);
    expect(createPublicKey({ key: written, format: 'der', type: 'spki' }).type).toBe('public');
  });

  test('is refused wherever it is cut short', () => {
    for (let size = 0; size < passkey.cosePublicKey.length; size += 1) {
      expect(() => parseCoseKey(passkey.cosePublicKey.subarray(0, size))).toThrow(HumanProofError);
    }
  });
});

function ed25519Cose(point: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('a401010327200621' + '5820', 'hex'), point]);
}

test('an Ed25519 key of any small order is refused', () => {
  expect(ED25519_TORSION_SUBGROUP).toHaveLength(8);
  for (const point of ED25519_TORSION_SUBGROUP) {
    const cose = ed25519Cose(Buffer.from(point, 'hex'));
    expect(() => parseCoseKey(cose)).toThrow(expect.objectContaining({ why: 'key' }));
  }
});

test('bytes from anywhere are refused, never a crash or a key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      expect(() => parseCoseKey(bytes)).toThrow(HumanProofError);
    }),
    { numRuns: 2_000 },
  );
});

test('a map that announces more members than there are bytes ends at the first one missing', () => {
  const bytes = Buffer.from('bb001fffffffffffff', 'hex');
  expect(() => parseCoseKey(bytes)).toThrow(expect.objectContaining({ why: 'key' }));
});
