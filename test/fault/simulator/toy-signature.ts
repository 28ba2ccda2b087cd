import { createECDH, createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { keyThumbprint, signedMessage, type SignedKind } from '@countersign/binding';
import { equalBytes, type Digest, type SignatureCheck } from '@countersign/canonical';

/*
 * Real public keys and real encodings, but a signature is a keyed hash that only this file can make: some
 * hundred times faster than a curve, and the same in every run. Sound inside a simulation, where nobody
 * calls `toySignature` for a key that is not theirs.
 */

const P256_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

type Algorithm = SignatureCheck['algorithm'];

export function toySignature(
  algorithm: Algorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const half = (name: string): Buffer =>
    createHash('sha256')
      .update(`toy ${algorithm} ${name}\n`)
      .update(publicKey)
      .update(message)
      .digest();
  const [r, s] = [half('r'), half('s')];
  if (algorithm === 'ed25519') return Uint8Array.from(Buffer.concat([r, s]));
  // DER wants positive integers in their shortest form: a first byte of 0x40 to 0x7f is always that.
  for (const integer of [r, s]) integer[0] = ((integer[0] ?? 0) & 0x3f) | 0x40;
  const head = Buffer.of(0x30, 0x44, 0x02, 0x20);
  return Uint8Array.from(Buffer.concat([head, r, Buffer.of(0x02, 0x20), s]));
}

export function verifyToySignature(check: SignatureCheck): boolean {
  const { algorithm, publicKey, message, signature } = check;
  return equalBytes(signature, toySignature(algorithm, publicKey, message));
}

export interface ToyKey {
  /** SPKI, base64url. */
  readonly publicKey: string;
  readonly spki: Uint8Array;
  readonly thumbprint: Digest;
  readonly algorithm: Algorithm;
  sign(message: Uint8Array): Uint8Array;
}

const known = new Map<string, ToyKey>();

function remembered(name: string, make: () => ToyKey): ToyKey {
  const key = known.get(name) ?? make();
  known.set(name, key);
  return key;
}

function toyKey(spki: Uint8Array, algorithm: Algorithm): ToyKey {
  return {
    spki,
    algorithm,
    publicKey: Buffer.from(spki).toString('base64url'),
    thumbprint: keyThumbprint(spki),
    sign: (message) => toySignature(algorithm, spki, message),
  };
}

export function toyEd25519(name: string): ToyKey {
  return remembered(`ed25519 ${name}`, () => {
    const seed = createHash('sha256').update(name).digest();
    const key = Buffer.concat([ED25519_PKCS8_PREFIX, seed]);
    const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return toyKey(Uint8Array.from(spki), 'ed25519');
  });
}

export function toyP256(name: string): ToyKey {
  return remembered(`p256 ${name}`, () => {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(createHash('sha256').update(name).digest());
    const spki = Buffer.concat([P256_SPKI_PREFIX, ecdh.getPublicKey()]);
    return toyKey(Uint8Array.from(spki), 'ecdsa-p256-sha256');
  });
}

/** The same key as an authenticator registers it. */
export function coseOf(key: ToyKey): string {
  const x = key.spki.subarray(-64, -32);
  const y = key.spki.subarray(-32);
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    x,
    Buffer.from('225820', 'hex'),
    y,
  ]);
  return cose.toString('base64url');
}

/** A signed object as it travels. */
export function toyFrame(key: ToyKey, kind: SignedKind, payload: Uint8Array): Uint8Array {
  const signature = Buffer.from(key.sign(signedMessage(kind, payload))).toString('base64url');
  const frame = {
    key: key.thumbprint,
    payload: Buffer.from(payload).toString('base64url'),
    signature,
  };
  return new TextEncoder().encode(JSON.stringify(frame));
}
