import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Digest } from '@countersign/canonical';
import { cliError } from './cli-error.ts';

const TAG = 'countersign/file/v1\n';
const FILE_BYTES_MAX: number = 512 * 1024 * 1024;
const CHUNK_BYTES = 1 << 20;

/**
 * The digest of a file's bytes, and nothing else of it: canonical-json.md §5, tag `file`. With `copyTo`, exactly the
 * bytes that were hashed are written there, so that nobody can put others in between.
 *
 * @throws CliError COMMAND_TOO_LARGE
 */
export async function digestFile(path: string, copyTo?: FileHandle): Promise<Digest> {
  const file = await open(path, constants.O_RDONLY);
  try {
    return await digestHandle(file, path, copyTo);
  } finally {
    await file.close();
  }
}

async function digestHandle(
  file: FileHandle,
  path: string,
  copyTo: FileHandle | undefined,
): Promise<Digest> {
  const hash = createHash('sha256').update(TAG);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let total = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, total);
    if (bytesRead === 0) return `sha256:${hash.digest('hex')}`;
    total += bytesRead;
    if (total > FILE_BYTES_MAX) {
      throw cliError('COMMAND_TOO_LARGE', `expected a file of at most 512 MiB: ${path}`);
    }
    const bytes = chunk.subarray(0, bytesRead);
    hash.update(bytes);
    await copyTo?.write(bytes, 0, bytesRead, null);
  }
}
