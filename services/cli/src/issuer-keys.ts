import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { resolve } from 'node:path';
import {
  CanonicalError,
  isJsonObject,
  parseStrict,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { readBounded } from './bounded-file.ts';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';

const FILE_BYTES_MAX = 65_536;

/** A key of an issuer as the authority takes it. */
export interface PinnedKey {
  readonly kid: string;
  readonly alg: string;
  readonly public_key: string;
}

/** By the kind of the key, where it does not say itself. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  'EC P-256': 'ES256',
  'OKP Ed25519': 'EdDSA',
  RSA: 'RS256',
};

/**
 * The keys for signatures of a JWK set (RFC 7517 §5), as an issuer publishes it.
 *
 * @throws CliError USAGE for a file that has none
 */
export async function readIssuerKeys(
  file: string,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<readonly PinnedKey[]> {
  const bytes = await readBounded(resolve(cwd, file), FILE_BYTES_MAX);
  const set = bytes === undefined ? undefined : jsonIn(bytes);
  const keys = isJsonObject(set) && Array.isArray(set['keys']) ? (set['keys'] as Json[]) : [];
  const pinned = keys.filter(isJsonObject).filter(isForSignatures).map(pinnedKey);
  if (pinned.length > 0) return pinned;
  throw cliError('USAGE', `${file}: expected a JWK set with keys for signatures`);
}

function jsonIn(bytes: Uint8Array): Json | undefined {
  try {
    return parseStrict(bytes);
  } catch (error) {
    if (error instanceof CanonicalError) return undefined;
    throw error;
  }
}

function isForSignatures({ use }: JsonObject): boolean {
  return use === undefined || use === 'sig';
}

function pinnedKey(jwk: JsonObject): PinnedKey {
  const { kid, kty, crv, alg } = jwk;
  const kind = [kty, crv].filter((each) => typeof each === 'string').join(' ');
  const known = ALGORITHMS[kind];
  if (typeof kid !== 'string' || known === undefined || (alg !== undefined && alg !== known)) {
    throw cliError('USAGE', 'the JWK set: expected keys with a kid, for ES256, EdDSA or RS256');
  }
  // Nothing but the public half is read, whatever else the file holds.
  const bare = Object.fromEntries(
    ['kty', 'crv', 'x', 'y', 'n', 'e'].flatMap((name) => (name in jwk ? [[name, jwk[name]]] : [])),
  ) as JsonWebKey;
  const spki = createPublicKey({ key: bare, format: 'jwk' }).export({
    type: 'spki',
    format: 'der',
  });
  return { kid, alg: known, public_key: spki.toString('base64url') };
}
