import { signedMessage, type SignedKind } from '@countersign/binding';
import { canonicalText, toBase64url, type Digest } from '@countersign/canonical';
import { keyThumbprint, parseEd25519, readKeyFile, signEd25519 } from '@countersign/crypto-node';
import type { Ed25519Key } from '@countersign/crypto-node';

/** The Ed25519 key of an agent or an executor. `sign` MAY be a call to a key service. */
export interface SigningKey {
  /** `sha256:` and 64 hex digits, of the SubjectPublicKeyInfo. */
  readonly thumbprint: Digest;
  /** 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

/** A key whose private half is in this process. */
export interface HeldKey extends SigningKey {
  /** SPKI, base64url: as the authority holds it. */
  readonly publicKey: string;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** @throws CryptoError KEY_FILE_MISSING, KEY_FILE_PERMISSIONS (expects 600), KEY_FILE_IO, KEY_FORMAT */
export async function readSigningKey(path: string): Promise<HeldKey> {
  return heldKey(await readKeyFile(path));
}

/** @param privateKeyPem PKCS #8. @throws CryptoError KEY_FORMAT */
export function parseSigningKey(privateKeyPem: string): HeldKey {
  return heldKey(parseEd25519(privateKeyPem));
}

function heldKey(key: Ed25519Key): HeldKey {
  return {
    thumbprint: keyThumbprint(key.publicKeySpki),
    publicKey: toBase64url(key.publicKeySpki),
    sign: (message) => signEd25519(key, message),
  };
}

/** A signed object as it travels: entries.md §3. The text is canonical, so sending it again is the same input. */
export async function signedFrame(
  kind: SignedKind,
  payload: Uint8Array,
  key: SigningKey,
): Promise<string> {
  return canonicalText({
    payload: toBase64url(payload),
    key: key.thumbprint,
    signature: toBase64url(await key.sign(signedMessage(kind, payload))),
  });
}
