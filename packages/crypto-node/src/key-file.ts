import { open, type FileHandle } from 'node:fs/promises';
import { createDurably } from '@countersign/durable-file';
import { CryptoError } from './crypto-error.ts';
import { parseEd25519, type Ed25519Key } from './ed25519-key.ts';

const MAX_FILE_BYTES = 4_096;
const GROUP_AND_OTHERS = 0o077;

/** @throws {CryptoError} KEY_FILE_MISSING, KEY_FILE_PERMISSIONS, KEY_FILE_IO, KEY_FORMAT */
export async function readKeyFile(path: string): Promise<Ed25519Key> {
  const file = await opened(() => open(path, 'r'));
  try {
    // Asked of what is open, so that nobody can swap the file in between.
    const { mode } = await file.stat();
    if ((mode & GROUP_AND_OTHERS) !== 0) {
      const got = (mode & 0o777).toString(8);
      throw new CryptoError('KEY_FILE_PERMISSIONS', `expected a key file of mode 600, got ${got}`);
    }
    return parseEd25519(await opened(() => readShort(file)));
  } finally {
    await file.close();
  }
}

/** Bounded by what is read, not by the size that is told: a pipe or a device tells none. */
async function readShort(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.toString('utf8', 0, length);
    length += bytesRead;
  }
  throw new CryptoError('KEY_FORMAT', `expected at most ${MAX_FILE_BYTES} bytes`);
}

/**
 * Writes a key that only its owner can read, whole or not at all, and never over another one.
 *
 * @throws {CryptoError} KEY_FORMAT, KEY_FILE_EXISTS, KEY_FILE_MISSING for the folder, KEY_FILE_IO
 */
export async function writeKeyFile(path: string, privateKeyPem: string): Promise<void> {
  parseEd25519(privateKeyPem);
  const isNew = await opened(() => createDurably(path, privateKeyPem));
  if (!isNew) throw new CryptoError('KEY_FILE_EXISTS', 'the key file is already there');
}

async function opened<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof CryptoError) throw cause;
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    if (why === 'ENOENT') throw new CryptoError('KEY_FILE_MISSING', 'no such file or folder');
    throw new CryptoError('KEY_FILE_IO', `the key file cannot be used: ${why}`, { cause });
  }
}
