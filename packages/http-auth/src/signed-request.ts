import type { Digest, VerifySignature } from '@countersign/canonical';
import { parseDigest } from '@countersign/canonical';
import { httpbis } from 'http-message-signatures';
import { HttpAuthError } from './http-auth-error.ts';
import {
  PROFILE,
  SIGNATURE_INPUTS,
  TOKEN_KEY_ID,
  type SignatureAlgorithm,
} from './signature-profile.ts';

export interface RequestSigner {
  /** Thumbprint of the public key, as enrolled. */
  readonly keyId: Digest;
  /** @returns 64 bytes, RFC 8032. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

/** Who proves a read token without sending it. */
export interface TokenSigner {
  readonly keyId: typeof TOKEN_KEY_ID;
  /** @returns HMAC-SHA-256 under the token's UTF-8 bytes, 32 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export interface RequestToSign {
  readonly method: string;
  readonly url: string;
  readonly nowMs: number;
  /** At least 16 random bytes as base64url: what makes two equal reads two signatures. */
  readonly nonce: string;
}

/** Headers that prove the key's or token's holder asks for exactly this method and address, now. */
export async function signRequest(
  request: RequestToSign,
  signer: RequestSigner | TokenSigner,
): Promise<Record<string, string>> {
  const signed = await httpbis.signMessage(
    {
      key: {
        id: signer.keyId,
        alg: signer.keyId === TOKEN_KEY_ID ? 'hmac-sha256' : 'ed25519',
        sign: async (data) => Buffer.from(await signer.sign(data)),
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

export interface TokenCheck {
  /** Whether this is the HMAC-SHA-256 of the message under a read token of this ledger; MUST take the same time for all. */
  readonly verifyMac: (message: Uint8Array, mac: Uint8Array) => boolean;
  /** As that of RequestCheck. */
  readonly isFreshNonce: (nonce: string) => boolean;
}

/**
 * @returns the thumbprint of the key that signed.
 * @throws {HttpAuthError} HTTP_SIGNATURE_MISSING, HTTP_SIGNATURE_INVALID
 */
export async function verifyRequest(request: RequestToCheck, check: RequestCheck): Promise<Digest> {
  const { keyId: claimed, nonce } = parseInput(request, 'ed25519');
  const keyId = parseDigest(claimed);
  const publicKey = check.publicKeyOf(keyId);
  if (publicKey === undefined) {
    throw invalid('expected the key of an enrolled agent or executor');
  }
  await assertHolds(request, 'ed25519', (message, signature) =>
    check.verifySignature({ algorithm: 'ed25519', publicKey, message, signature }),
  );
  // Last on purpose: a nonce is used up by a true signature only, so nobody else can burn it.
  if (!check.isFreshNonce(keyId, nonce)) throw invalid('expected a nonce not used before');
  return keyId;
}

/**
 * As verifyRequest, for a request with `keyid="read-token"`.
 *
 * @throws {HttpAuthError} HTTP_SIGNATURE_MISSING, HTTP_SIGNATURE_INVALID
 */
export async function verifyTokenRequest(
  request: RequestToCheck,
  check: TokenCheck,
): Promise<void> {
  const { nonce } = parseInput(request, 'hmac-sha256');
  await assertHolds(request, 'hmac-sha256', check.verifyMac);
  if (!check.isFreshNonce(nonce)) throw invalid('expected a nonce not used before');
}

/** What a request says of itself, before anything is checked: which of the two checks it is for. */
export function isTokenRequest(signatureInput: string): boolean {
  return signatureInput.includes(`;keyid="${TOKEN_KEY_ID}";`);
}

function invalid(message: string, options?: ErrorOptions): HttpAuthError {
  return new HttpAuthError('HTTP_SIGNATURE_INVALID', message, options);
}

function parseInput(
  request: RequestToCheck,
  algorithm: SignatureAlgorithm,
): { keyId: string; nonce: string } {
  if (request.signatureInput === undefined || request.signature === undefined) {
    throw new HttpAuthError(
      'HTTP_SIGNATURE_MISSING',
      'expected Signature-Input and Signature headers',
    );
  }
  const parts = SIGNATURE_INPUTS[algorithm].exec(request.signatureInput)?.groups;
  const keyId = parts?.['keyId'];
  const nonce = parts?.['nonce'];
  if (keyId === undefined || nonce === undefined) {
    throw invalid(
      'expected Signature-Input: countersign=("@method" "@target-uri");created=…;keyid="sha256:…";alg="ed25519";nonce="…", or of a read token keyid="read-token";alg="hmac-sha256"',
    );
  }
  const skewMs = Math.abs(request.nowMs - Number(parts?.['created']) * 1000);
  if (skewMs > PROFILE.skewS * 1000) {
    throw invalid(
      `expected a signature made within ${PROFILE.skewS} s of now, got ${Math.round(skewMs / 1000)} s`,
    );
  }
  return { keyId, nonce };
}

type Verify = (message: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>;

async function assertHolds(
  request: RequestToCheck,
  algorithm: SignatureAlgorithm,
  verify: Verify,
): Promise<void> {
  if (await verifyMessage(request, algorithm, verify)) return;
  throw invalid('the request signature does not hold');
}

async function verifyMessage(
  request: RequestToCheck,
  algorithm: SignatureAlgorithm,
  verify: Verify,
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
            algs: [algorithm],
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
    throw invalid('the signature headers could not be read', { cause });
  }
}
