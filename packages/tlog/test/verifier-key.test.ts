import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatVerifierKey, parseVerifierKey } from '../src/index.ts';
import { ed25519Key, spkiOf, vkeyOf } from './node-keys.ts';
import { refusalOf } from './refusal.ts';
import { notes, toBase64 } from './vectors.ts';

const {
  ed25519,
  ecdsa_p256: ecdsa,
  cosigner_ed25519: witness,
  cosigner_mldsa44: mldsa,
} = notes.keys;

describe('verifier keys', () => {
  it.each([ed25519, ecdsa, witness])('are read: type $type', (vector) => {
    const { name, keyIdHex, keyId, type, vkey } = parseVerifierKey(vector.vkey);
    expect({ name, keyIdHex, type, vkey }).toEqual({
      name: vector.name,
      keyIdHex: vector.key_id,
      type: vector.type,
      vkey: vector.vkey,
    });
    expect(Buffer.from(keyId).toString('hex')).toBe(vector.key_id);
  });

  it('give the public key in the form that a verifier takes', () => {
    const spki = Buffer.from(parseVerifierKey(ecdsa.vkey).publicKey).toString('hex');
    expect(spki).toBe(ecdsa.spki_hex);
    expect(parseVerifierKey(ed25519.vkey).publicKey).toEqual(spkiOf(ed25519Key(1)));
    expect(parseVerifierKey(witness.vkey).publicKey).toEqual(spkiOf(ed25519Key(3)));
  });

  it('are written as the vectors have them', () => {
    const publicKey = new Uint8Array(Buffer.from(ecdsa.spki_hex, 'hex'));
    expect(formatVerifierKey({ name: ecdsa.name, algorithm: 'ecdsa-p256', publicKey })).toBe(
      ecdsa.vkey,
    );
    const own = { name: ed25519.name, publicKey: spkiOf(ed25519Key(1)) };
    expect(formatVerifierKey({ ...own, algorithm: 'ed25519' })).toBe(ed25519.vkey);
  });

  const [name = '', id = '', key = ''] = ed25519.vkey.split(/\+(.{8})\+(.*)$/);
  const point = Buffer.from(ecdsa.spki_hex, 'hex');
  it.each([
    ['nothing', ''],
    ['no key', `${name}+${id}`],
    ['an empty key', `${name}+${id}+`],
    ['no name', `+${id}+${key}`],
    ['a name with a space', `a b+${id}+${key}`],
    ['a name with a no-break space', `a\u00a0b+${id}+${key}`],
    ['a name with a control character', `a\u0001b+${id}+${key}`],
    ['a name that UTF-8 cannot hold', `a\ud800b+${id}+${key}`],
    ['another name', `${name}x+${id}+${key}`],
    ['another key id', `${name}+00000000+${key}`],
    ['a key id in upper case', witness.vkey.replace(witness.key_id, witness.key_id.toUpperCase())],
    ['a short key id', `${name}+${id.slice(1)}+${key}`],
    ['base64 cut short', `${name}+${id}+${key.slice(0, -1)}`],
    ['31 bytes of key', vkeyOf(name, Uint8Array.of(1, ...new Uint8Array(31)))],
    ['a key of type 3', vkeyOf(name, Uint8Array.of(3, ...new Uint8Array(32)))],
    ['an ML-DSA key', mldsa.vkey],
    ['a raw point', `${name}+${id}+${toBase64(Uint8Array.of(2, ...point.subarray(26)))}`],
  ])('are refused: %s', (_why, vkey) => {
    expect(refusalOf(() => parseVerifierKey(vkey))).toBe('VKEY_FORMAT');
  });

  it('are written for Ed25519 and P-256 keys only', () => {
    const p384 = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
    const own = spkiOf(ed25519Key(1));
    expect(
      refusalOf(() => formatVerifierKey({ name, algorithm: 'ecdsa-p256', publicKey: p384 })),
    ).toBe('VKEY_FORMAT');
    expect(
      refusalOf(() => formatVerifierKey({ name, algorithm: 'ecdsa-p256', publicKey: own })),
    ).toBe('VKEY_FORMAT');
    expect(
      refusalOf(() =>
        formatVerifierKey({ name, algorithm: 'ed25519', publicKey: own.subarray(12) }),
      ),
    ).toBe('VKEY_FORMAT');
    expect(
      refusalOf(() => formatVerifierKey({ name: 'a+b', algorithm: 'ed25519', publicKey: own })),
    ).toBe('VKEY_FORMAT');
  });
});
