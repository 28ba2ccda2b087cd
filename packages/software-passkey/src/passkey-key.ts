import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { writeCbor, type CborValue } from '@countersign/cbor';

export type PasskeyAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

/** A fresh key pair of one of the three algorithms, with its COSE form. */
export interface PasskeyKey {
  /** COSE algorithm number. */
  coseAlgorithm: number;
  cosePublicKey: Uint8Array;
  spki: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function createPasskeyKey(algorithm: PasskeyAlgorithm): PasskeyKey {
  switch (algorithm) {
    case 'ES256':
      return es256Key();
    case 'EdDSA':
      return eddsaKey();
    case 'RS256':
      return rs256Key();
  }
}

function es256Key(): PasskeyKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  return passkeyKey(-7, publicKey, {
    cose: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, decode(jwk.x)],
      [-3, decode(jwk.y)],
    ],
    sign: (message) => sign('sha256', message, privateKey),
  });
}

function eddsaKey(): PasskeyKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = publicKey.export({ format: 'jwk' });
  return passkeyKey(-8, publicKey, {
    cose: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, decode(jwk.x)],
    ],
    sign: (message) => sign(null, message, privateKey),
  });
}

function rs256Key(): PasskeyKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = publicKey.export({ format: 'jwk' });
  return passkeyKey(-257, publicKey, {
    cose: [
      [1, 3],
      [3, -257],
      [-1, decode(jwk.n)],
      [-2, decode(jwk.e)],
    ],
    sign: (message) => sign('sha256', message, privateKey),
  });
}

function passkeyKey(
  coseAlgorithm: number,
  publicKey: KeyObject,
  own: { cose: [number, CborValue][]; sign: (message: Uint8Array) => Uint8Array },
): PasskeyKey {
  return {
    coseAlgorithm,
    cosePublicKey: writeCbor(new Map(own.cose)),
    spki: Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })),
    sign: own.sign,
  };
}

function decode(member: string | undefined): Uint8Array {
  if (member === undefined) throw new Error('expected the key to have this JWK member');
  return Uint8Array.from(Buffer.from(member, 'base64url'));
}
