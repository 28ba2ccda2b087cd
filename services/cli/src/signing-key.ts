import { canonicalText, toBase64url, type Digest } from '@countersign/canonical';
import { signedMessage, type SignedKind } from '@countersign/binding';
import {
  CryptoError,
  generateEd25519,
  keyThumbprint,
  readKeyFile,
  signEd25519,
  writeKeyFile,
} from '@countersign/crypto-node';
import { CliError, cliError } from './cli-error.ts';

/** A key of an agent or an executor, held in a file of its owner. */
export interface SigningKey {
  readonly thumbprint: Digest;
  /** SPKI, base64url: as the authority holds it. */
  readonly publicKey: string;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** @throws CliError KEY_FILE_PERMISSIONS, KEY_FILE_INVALID, FILE_UNREADABLE */
export async function readSigningKey(path: string): Promise<SigningKey> {
  try {
    const key = await readKeyFile(path);
    return {
      thumbprint: keyThumbprint(key.publicKeySpki),
      publicKey: toBase64url(key.publicKeySpki),
      sign: (message) => signEd25519(key, message),
    };
  } catch (error) {
    throw keyFileError(error, path);
  }
}

/** Leaves a key that is there already. @throws CliError */
export async function createKeyFile(path: string): Promise<void> {
  try {
    await writeKeyFile(path, generateEd25519().privateKeyPem);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'KEY_FILE_EXISTS') return;
    throw keyFileError(error, path);
  }
}

export function keyFileError(error: unknown, path: string): unknown {
  if (!(error instanceof CryptoError)) return error;
  const options = { cause: error };
  switch (error.code) {
    case 'KEY_FILE_PERMISSIONS':
      return cliError('KEY_FILE_PERMISSIONS', `${path}: ${error.message}`, {
        ...options,
        hint: `chmod 600 ${path}, and think about who could have read it`,
      });
    case 'KEY_FORMAT':
      return cliError('KEY_FILE_INVALID', `${path}: ${error.message}`, options);
    case 'KEY_FILE_MISSING':
      return cliError('FILE_UNREADABLE', `expected a key file at ${path}, found none`, options);
    case 'KEY_FILE_EXISTS':
      return cliError('FILE_EXISTS', `expected no key file at ${path}`, options);
    case 'KEY_FILE_IO':
      return isNoSpace(error)
        ? new CliError('DISK_FULL', `no space left to write ${path}`, options)
        : cliError('FILE_UNREADABLE', `${path}: ${error.message}`, options);
  }
}

function isNoSpace({ message }: CryptoError): boolean {
  return /ENOSPC|EDQUOT|EFBIG/.test(message);
}

/** A signed object as it travels: entries.md §3. The text is canonical, so sending it again is the same input. */
export function signedFrame(kind: SignedKind, payload: Uint8Array, key: SigningKey): string {
  return canonicalText({
    payload: toBase64url(payload),
    key: key.thumbprint,
    signature: toBase64url(key.sign(signedMessage(kind, payload))),
  });
}
