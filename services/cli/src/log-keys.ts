import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { generateEd25519, writeKeyFile } from '@countersign/crypto-node';
import { openLocalSigner } from '@countersign/signer-local';
import { formatVerifierKey, parseVerifierKey, type NoteSigner } from '@countersign/tlog';
import { isSystemError } from './cli-error.ts';
import type { DataFolder } from './data-folder.ts';
import { keyFileError } from './signing-key.ts';

/** The first key of the log, and those that were made later to take its place: `log-KEYID.key`. */
const LOG_KEY_FILE = /^log(-[0-9a-f]{8})?\.key$/;

export async function logKeyFiles({ keysFolder }: DataFolder): Promise<string[]> {
  try {
    const names = (await readdir(keysFolder)).filter((name) => LOG_KEY_FILE.test(name));
    // The first key before the others, so that its signature stays the first of a note.
    const inOrder = names.sort().reverse();
    return inOrder.map((name) => join(keysFolder, name));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A signer for each key file of the log. @throws CliError KEY_FILE_PERMISSIONS, KEY_FILE_INVALID, FILE_UNREADABLE */
export async function openLogSigners(folder: DataFolder, origin: string): Promise<NoteSigner[]> {
  const files = await logKeyFiles(folder);
  return Promise.all(
    (files.length === 0 ? [folder.logKey] : files).map((path) => openLogSigner(path, origin)),
  );
}

async function openLogSigner(keyFile: string, origin: string): Promise<NoteSigner> {
  try {
    return await openLocalSigner({ keyFile, name: origin });
  } catch (error) {
    throw keyFileError(error, keyFile);
  }
}

export interface NewLogKey {
  readonly keyFile: string;
  readonly id: string;
  readonly vkey: string;
}

/**
 * Makes another key for the log. It signs nothing before persons have let it.
 *
 * @throws CliError DISK_FULL, FILE_UNREADABLE
 */
export async function createNextLogKey(folder: DataFolder, origin: string): Promise<NewLogKey> {
  const { privateKeyPem, publicKeySpki: publicKey } = generateEd25519();
  const vkey = formatVerifierKey({ name: origin, algorithm: 'ed25519', publicKey });
  const id = parseVerifierKey(vkey).keyIdHex;
  const keyFile = join(folder.keysFolder, `log-${id}.key`);
  try {
    await writeKeyFile(keyFile, privateKeyPem);
  } catch (error) {
    throw keyFileError(error, keyFile);
  }
  return { keyFile, id, vkey };
}
