import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '@countersign/crypto-web';

const message = Buffer.from('exactly this');

const signers = {
  ed25519: () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return { publicKey, signature: sign(null, message, privateKey) };
  },
  'ecdsa-p256-sha256': () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { publicKey, signature: sign('sha256', message, privateKey) };
  },
  'rsa-pkcs1-sha256': () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const padding = constants.RSA_PKCS1_PADDING;
    return { publicKey, signature: sign('sha256', message, { key: privateKey, padding }) };
  },
} as const;

describe.each(['ed25519', 'ecdsa-p256-sha256', 'rsa-pkcs1-sha256'] as const)(
  'WebCrypto as the verifier of %s',
  (algorithm) => {
    const signed = signers[algorithm]();
    const check = {
      algorithm,
      publicKey: signed.publicKey.export({ format: 'der', type: 'spki' }),
      message,
      signature: signed.signature,
    };

    it('takes the signature of exactly this message', async () => {
      expect(await verifySignature(check)).toBe(true);
    });

    it('refuses it for another message, by another key, or changed', async () => {
      const other = signers[algorithm]().publicKey.export({ format: 'der', type: 'spki' });
      const changed = Buffer.from(check.signature);
      changed.writeUInt8(changed.readUInt8(10) ^ 1, 10);
      expect(await verifySignature({ ...check, message: Buffer.from('other') })).toBe(false);
      expect(await verifySignature({ ...check, publicKey: other })).toBe(false);
      expect(await verifySignature({ ...check, signature: changed })).toBe(false);
    });

    it('refuses what is no key and no signature', async () => {
      expect(await verifySignature({ ...check, publicKey: Buffer.of(1, 2, 3) })).toBe(false);
      expect(await verifySignature({ ...check, signature: Buffer.of(1, 2, 3) })).toBe(false);
    });
  },
);

describe('WebCrypto as the verifier of keys that browsers take', () => {
  it('refuses RSA of 1,024 bits, and an exponent of more than 31 bits', async () => {
    for (const options of [
      { modulusLength: 1_024 },
      { modulusLength: 2_048, publicExponent: 0x8000_0001 },
    ]) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', options);
      const check = {
        algorithm: 'rsa-pkcs1-sha256',
        publicKey: publicKey.export({ format: 'der', type: 'spki' }),
        message,
        signature: sign('sha256', message, privateKey),
      } as const;
      expect(await verifySignature(check)).toBe(false);
    }
  });

  it('refuses a P-256 key as a compressed point', async () => {
    const { publicKey, signature } = signers['ecdsa-p256-sha256']();
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    // SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING of 33 bytes }
    const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
    const parity = Buffer.of(2 + ((spki.at(-1) ?? 0) & 1));
    const compressed = Buffer.concat([head, parity, spki.subarray(27, 59)]);
    const check = { algorithm: 'ecdsa-p256-sha256', message, signature } as const;
    expect(await verifySignature({ ...check, publicKey: spki })).toBe(true);
    expect(await verifySignature({ ...check, publicKey: compressed })).toBe(false);
  });
});
