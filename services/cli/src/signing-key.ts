import { CryptoError, generateEd25519, writeKeyFile } from '@countersign/crypto-node';
import { readSigningKey as readHeldKey, type HeldKey } from '@countersign/sdk';
import { CliError, cliError } from './cli-error.ts';

/** @throws CliError KEY_FILE_PERMISSIONS, KEY_FILE_INVALID, FILE_UNREADABLE */
export async function readSigningKey(path: string): Promise<HeldKey> {
  try {
    return await readHeldKey(path);
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
