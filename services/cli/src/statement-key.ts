import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { equalBytes } from '@countersign/canonical';
import { keyThumbprint } from '@countersign/crypto-node';
import type { EnvelopeKey } from '@countersign/report';
import type { Trust } from '@countersign/verify';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import { readBounded } from './bounded-file.ts';

const KEY_BYTES_MAX = 16_384;
const GROUP_AND_OTHERS = 0o077;

/** Of an auditor or an operator: it says who vouches for a report, and stands for nobody else. */
export interface StatementKey {
  readonly keyId: string;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * Reads a private key in PEM, Ed25519 or P-256. A key of the log signs heads, and nothing else: it is refused.
 *
 * @throws CliError FILE_UNREADABLE, KEY_FILE_PERMISSIONS, KEY_FILE_INVALID
 */
export async function readStatementKey(path: string, trust: Trust): Promise<StatementKey> {
  const { mode } = await statOf(path);
  if ((mode & GROUP_AND_OTHERS) !== 0) {
    const got = (mode & 0o777).toString(8);
    throw cliError('KEY_FILE_PERMISSIONS', `${path}: expected mode 600, got ${got}`);
  }
  const key = parsed(await pemAt(path), createPrivateKey);
  const spki = spkiOf(createPublicKey(key));
  if (trust.logKeys.some(({ publicKey }) => equalBytes(publicKey, spki))) {
    throw cliError('KEY_FILE_INVALID', `${path}: expected a key that is none of the log`);
  }
  const hash = algorithmOf(key) === 'ed25519' ? null : 'sha256';
  return {
    keyId: keyIdOf(spki),
    sign: (message) => new Uint8Array(sign(hash, message, key)),
  };
}

/** Reads the public half, to check with. @throws CliError FILE_UNREADABLE, KEY_FILE_INVALID */
export async function readEnvelopeKey(path: string): Promise<EnvelopeKey & { keyId: string }> {
  const key = parsed(await pemAt(path), createPublicKey);
  const publicKey = spkiOf(key);
  return { algorithm: algorithmOf(key), publicKey, keyId: keyIdOf(publicKey) };
}

function keyIdOf(spki: Uint8Array): string {
  return keyThumbprint(spki).slice('sha256:'.length);
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}

function algorithmOf(key: KeyObject): EnvelopeKey['algorithm'] {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (key.asymmetricKeyType === 'ec' && isP256) return 'ecdsa-p256-sha256';
  throw cliError('KEY_FILE_INVALID', 'expected an Ed25519 or a P-256 key');
}

function parsed(pem: string, parse: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse(pem);
  } catch (error) {
    // The cause is OpenSSL's and quotes no key.
    throw new CliError('KEY_FILE_INVALID', 'expected a key in PEM, without a passphrase', {
      cause: error,
      hint: 'openssl genpkey -algorithm ed25519 -out report.key',
    });
  }
  algorithmOf(key);
  return key;
}

async function statOf(path: string): Promise<{ mode: number }> {
  try {
    return await stat(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function pemAt(path: string): Promise<string> {
  try {
    const bytes = await readBounded(path, KEY_BYTES_MAX);
    if (bytes !== undefined) return Buffer.from(bytes).toString('latin1');
  } catch (error) {
    throw unreadable(path, error);
  }
  throw cliError('KEY_FILE_INVALID', `${path}: expected a key of at most ${KEY_BYTES_MAX} bytes`);
}

function unreadable(path: string, error: unknown): unknown {
  if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) return error;
  return cliError('FILE_UNREADABLE', `expected a readable key at ${path}`, { cause: error });
}
