import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { SignatureCheck, VerifySignature } from '@countersign/canonical';
import { verifySignature, verifySignatureAside } from '@countersign/crypto-node';
import { describe, expect, it } from 'vitest';

const MESSAGE = Buffer.from('what was signed');

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}

const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const CHECKS: SignatureCheck[] = [
  {
    algorithm: 'ed25519',
    publicKey: spki(ed25519.publicKey),
    message: MESSAGE,
    signature: sign(null, MESSAGE, ed25519.privateKey),
  },
  {
    algorithm: 'ecdsa-p256-sha256',
    publicKey: spki(p256.publicKey),
    message: MESSAGE,
    signature: sign('sha256', MESSAGE, p256.privateKey),
  },
  {
    algorithm: 'rsa-pkcs1-sha256',
    publicKey: spki(rsa.publicKey),
    message: MESSAGE,
    signature: sign('sha256', MESSAGE, rsa.privateKey),
  },
  {
    algorithm: 'rsa-pkcs1-sha512',
    publicKey: spki(rsa.publicKey),
    message: MESSAGE,
    signature: sign('sha512', MESSAGE, rsa.privateKey),
  },
];

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe.each(CHECKS)('verifySignatureAside: $algorithm', (check) => {
  it('answers as verifySignature does', async () => {
    const asked: VerifySignature = verifySignatureAside;
    const others = (['message', 'signature', 'publicKey'] as const).flatMap((field) => [
      ...Array.from(check[field], (_, at) => ({ ...check, [field]: flipped(check[field], at) })),
      { ...check, [field]: check[field].subarray(1) },
      { ...check, [field]: new Uint8Array() },
    ]);
    const answers = await Promise.all([check, ...others].map(async (each) => asked(each)));
    expect(answers).toEqual([true, ...others.map(verifySignature)]);
    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});

describe.each(CHECKS)('verifySignature: $algorithm', (check) => {
  it('is what the pure packages ask for, and accepts the right signature, again and again', () => {
    const asked: VerifySignature = verifySignature;
    expect([asked(check), asked(check)]).toEqual([true, true]);
  });

  it('refuses every flipped bit of message, signature and key', () => {
    for (const field of ['message', 'signature', 'publicKey'] as const) {
      for (let at = 0; at < check[field].length; at += 1) {
        expect(verifySignature({ ...check, [field]: flipped(check[field], at) })).toBe(false);
      }
    }
  });

  it('refuses what is cut, longer or empty', () => {
    for (const field of ['signature', 'publicKey'] as const) {
      const bytes = check[field];
      const longer = new Uint8Array([...bytes, 0]);
      for (const wrong of [bytes.subarray(1), longer, new Uint8Array(), new Uint8Array(100_000)]) {
        expect(verifySignature({ ...check, [field]: wrong })).toBe(false);
      }
    }
  });

  it('refuses a key of another algorithm', () => {
    for (const { algorithm } of CHECKS.filter((c) => c.algorithm !== check.algorithm)) {
      expect(verifySignature({ ...check, algorithm })).toBe(false);
    }
  });
});

describe('verifySignature', () => {
  it('refuses another curve, and an RSA key that is too short', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const refused = [
      [p384, 'ecdsa-p256-sha256'],
      [short, 'rsa-pkcs1-sha256'],
    ] as const;
    for (const [pair, algorithm] of refused) {
      const signature = sign('sha256', MESSAGE, pair.privateKey);
      const publicKey = spki(pair.publicKey);
      expect(verifySignature({ algorithm, publicKey, message: MESSAGE, signature })).toBe(false);
    }
  });

  it('refuses a P-256 signature as r and s, and a P-256 key as a compressed or hybrid point', () => {
    const raw = sign('sha256', MESSAGE, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' });
    const check = CHECKS[1] as SignatureCheck;
    expect(verifySignature({ ...check, signature: raw })).toBe(false);
    // SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING of 33 bytes }
    const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
    const point = check.publicKey.subarray(-64);
    const sign1 = Uint8Array.of((point[63] ?? 0) % 2 === 0 ? 2 : 3);
    const publicKey = new Uint8Array([...head, ...sign1, ...point.subarray(0, 32)]);
    expect(verifySignature({ ...check, publicKey })).toBe(false);
    const hybrid = Uint8Array.from(check.publicKey);
    hybrid[26] = 6 + ((point[63] ?? 0) % 2);
    expect(
      createPublicKey({ key: Buffer.from(hybrid), format: 'der', type: 'spki' }),
    ).toBeDefined();
    expect(verifySignature({ ...check, publicKey: hybrid })).toBe(false);
  });

  it.each([0x10001, 3, 0x7fff_ffff, 0x8000_0001])(
    'takes a key of RSA with the exponent %d if it has at most 31 bits',
    (publicExponent) => {
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent });
      const check = {
        algorithm: 'rsa-pkcs1-sha256',
        publicKey: new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' })),
        message: MESSAGE,
        signature: new Uint8Array(sign('sha256', MESSAGE, rsa.privateKey)),
      } as const;
      expect(verifySignature(check)).toBe(publicExponent < 2 ** 31);
    },
  );

  it('stays right when more keys pass by than it keeps', () => {
    for (let i = 0; i < 5_000; i += 1) {
      const publicKey = Uint8Array.of(i & 0xff, i >> 8);
      expect(verifySignature({ ...(CHECKS[0] as SignatureCheck), publicKey })).toBe(false);
    }
    expect(verifySignature(CHECKS[0] as SignatureCheck)).toBe(true);
  });
});
