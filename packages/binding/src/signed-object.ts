import {
  concatBytes,
  fromBase64url,
  sha256,
  toHex,
  utf8,
  type Digest,
  type VerifySignature,
} from '@countersign/canonical';
import { BindingError, refusing } from './binding-error.ts';
import { base64url, digest, ed25519Signature } from './field-shape.ts';
import { parseStrictObject } from './json-bytes.ts';
import { object, type Shape } from './shape.ts';

/** What an agent or an executor may sign. schemas/formats/entries.md §3. */
export type SignedKind = 'request' | 'use' | 'report' | 'finding' | 'erasure' | 'enrolment';

/** A signed object as it travels. */
interface SignedFrame {
  readonly payload: string;
  readonly key: Digest;
  readonly signature: string;
}

const PAYLOAD_BYTES_MAX = 65_536;

const signedFrame: Shape<SignedFrame> = object<SignedFrame>({
  payload: base64url(2, PAYLOAD_BYTES_MAX),
  key: digest,
  signature: ed25519Signature,
});

export interface SignedObject {
  /** The exact bytes that were signed. */
  readonly payload: Uint8Array;
  /** Thumbprint of the key that is said to have signed. */
  readonly key: Digest;
  readonly signature: string;
}

/** @throws BindingError SCHEMA_INVALID, UNKNOWN_MEMBER, and the codes of the gate */
export function parseSignedObject(bytes: Uint8Array): SignedObject {
  const frame = signedFrame(parseStrictObject(bytes), 'signed object');
  return {
    payload: refusing(() => fromBase64url(frame.payload)),
    key: frame.key,
    signature: frame.signature,
  };
}

/** What a key signs: the kind's tag, a line feed, the payload. */
export function signedMessage(kind: SignedKind, payload: Uint8Array): Uint8Array {
  return concatBytes(utf8(`countersign/${kind}/v1\n`), payload);
}

/** The name of a key everywhere: the digest of its SubjectPublicKeyInfo. */
export function keyThumbprint(spki: Uint8Array): Digest {
  return `sha256:${toHex(sha256(spki))}`;
}

/** Who signed, by the authority, and how to check it. */
interface SignerKey {
  readonly kind: SignedKind;
  readonly algorithm: 'ed25519' | 'ecdsa-p256-sha256';
  /** SPKI, base64url. */
  readonly publicKey: string;
}

/** @throws BindingError SIGNATURE_INVALID */
export async function verifySigned(
  signed: { readonly payload: Uint8Array; readonly signature: string },
  key: SignerKey,
  verifySignature: VerifySignature,
): Promise<void> {
  const isValid = await verifySignature({
    algorithm: key.algorithm,
    publicKey: refusing(() => fromBase64url(key.publicKey)),
    message: signedMessage(key.kind, signed.payload),
    signature: refusing(() => fromBase64url(signed.signature)),
  });
  if (!isValid) {
    throw new BindingError('SIGNATURE_INVALID', `${key.kind}: expected a signature of its key`);
  }
}
