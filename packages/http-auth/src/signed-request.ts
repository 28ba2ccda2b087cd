import type { Digest, VerifySignature } from '@countersign/canonical';
import { parseDigest } from '@countersign/canonical';
import { httpbis } from 'http-message-signatures';
import { HttpAuthError } from './http-auth-error.ts';
import { PROFILE, SIGNATURE_INPUT } from './signature-profile.ts';

export interface RequestSigner {
  /** Thumbprint of the public key, as enrolled. */
  readonly keyId: Digest;
  /** @returns 64 bytes, RFC 8032. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export interface RequestToSign {
  readonly method: string;
  readonly url: string;
  readonly nowMs: number;
  /** At least 16 random bytes as base64url: what makes two equal reads two signatures. */
  readonly nonce: string;
}

/** Headers that prove the key's holder asks for exactly this method and address, now. */
export async function signRequest(
  request: RequestToSign,
  signer: RequestSigner,
): Promise<Record<string, string>> {
  const signed = await httpbis.signMessage(
    {
      key: {
        id: signer.keyId,
        alg: PROFILE.algorithm,
        sign: (data) => Promise.resolve(Buffer.from(signer.sign(data))),
      },
      name: PROFILE.label,
      fields: [...PROFILE.fields],
      params: [...PROFILE.params],
      paramValues: { created: new Date(request.nowMs), nonce: request.nonce },
    },
    { method: request.method, url: request.url, headers: {} },
  );
  return Object.fromEntries(
    Object.entries(signed.headers).map(([name, value]) => [name, String(value)]),
  );
}

export interface RequestToCheck {
  readonly method: string;
  /** The address as the client was told to use it; never built from the Host header. */
  readonly url: string;
  readonly signatureInput: string | undefined;
  readonly signature: string | undefined;
  readonly nowMs: number;
}

export interface RequestCheck {
  /** SPKI DER of an enrolled Ed25519 key, or undefined when nobody holds it. */
  readonly publicKeyOf: (keyId: Digest) => Uint8Array | undefined;
  readonly verifySignature: VerifySignature;
  /** True the first time it sees (key, nonce) within the skew; the caller bounds and forgets. */
  readonly isFreshNonce: (keyId: Digest, nonce: string) => boolean;
}

/**
 * @returns the thumbprint of the key that signed.
 * @throws {HttpAuthError} HTTP_SIGNATURE_MISSING, HTTP_SIGNATURE_INVALID
 */
export async function verifyRequest(request: RequestToCheck, check: RequestCheck): Promise<Digest> {
  const { keyId, nonce } = parseInput(request);
  const publicKey = check.publicKeyOf(keyId);
  if (publicKey === undefined) {
    throw new HttpAuthError(
      'HTTP_SIGNATURE_INVALID',
      'expected the key of an enrolled agent or executor',
    );
  }
  const holds = await verifyMessage(request, (message, signature) =>
    check.verifySignature({ algorithm: 'ed25519', publicKey, message, signature }),
  );
  if (!holds)
    throw new HttpAuthError('HTTP_SIGNATURE_INVALID', 'the request signature does not hold');
  // Last on purpose: a nonce is used up by a true signature only, so nobody else can burn it.
  if (!check.isFreshNonce(keyId, nonce)) {
    throw new HttpAuthError('HTTP_SIGNATURE_INVALID', 'expected a nonce not used before');
  }
  return keyId;
}

function parseInput(request: RequestToCheck): { keyId: Digest; nonce: string } {
  if (request.signatureInput === undefined || request.signature === undefined) {
    throw new HttpAuthError(
      'HTTP_SIGNATURE_MISSING',
      'expected Signature-Input and Signature headers',
    );
  }
  const parts = SIGNATURE_INPUT.exec(request.signatureInput)?.groups;
  const keyId = parts?.['keyId'];
  const nonce = parts?.['nonce'];
  if (keyId === undefined || nonce === undefined) {
    throw new HttpAuthError(
      'HTTP_SIGNATURE_INVALID',
      'expected Signature-Input: countersign=("@method" "@target-uri");created=…;keyid="sha256:…";alg="ed25519";nonce="…"',
    );
  }
  const skewMs = Math.abs(request.nowMs - Number(parts?.['created']) * 1000);
  if (skewMs > PROFILE.skewS * 1000) {
    throw new HttpAuthError(
      'HTTP_SIGNATURE_INVALID',
      `expected a signature made within ${PROFILE.skewS} s of now, got ${Math.round(skewMs / 1000)} s`,
    );
  }
  return { keyId: parseDigest(keyId), nonce };
}

async function verifyMessage(
  request: RequestToCheck,
  verify: (message: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>,
): Promise<boolean> {
  try {
    const holds = await httpbis.verifyMessage(
      {
        // The age was judged above, by the caller's clock; the library would ask the system's.
        notAfter: Number.MAX_SAFE_INTEGER,
        requiredFields: [...PROFILE.fields],
        requiredParams: [...PROFILE.params],
        keyLookup: () =>
          Promise.resolve({
            algs: [PROFILE.algorithm],
            verify: async (data, signature) => verify(data, signature),
          }),
      },
      {
        method: request.method,
        url: request.url,
        headers: {
          'signature-input': request.signatureInput ?? '',
          signature: request.signature ?? '',
        },
      },
    );
    return holds === true;
  } catch (cause) {
    // The library throws plain errors for every malformed header: all of them mean that nothing was proved.
    throw new HttpAuthError('HTTP_SIGNATURE_INVALID', 'the signature headers could not be read', {
      cause,
    });
  }
}
