import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Digest } from '@countersign/canonical';
import { cliError } from './cli-error.ts';

const TAG = 'countersign/file/v1\n';
const FILE_BYTES_MAX: number = 512 * 1024 * 1024;
const CHUNK_BYTES = 1 << 20;

/** How much of the start of a file is told beside its digest: Linux reads no more of a `#!` line. */
export const HEAD_BYTES = 256;

export interface DigestedFile {
  readonly digest: Digest;
  /** The first bytes that were hashed: whoever looks at them sees no other file than the digest is of. */
  readonly head: Buffer;
}

/**
 * The digest of a file's bytes, and nothing else of it: canonical-json.md §5, tag `file`. With `copyTo`, exactly the
 * bytes that were hashed are written there, so that nobody can put others in between.
 *
 * @throws CliError COMMAND_TOO_LARGE, COMMAND_NOT_A_FILE
 */
export async function digestFile(path: string, copyTo?: FileHandle): Promise<DigestedFile> {
  const file = await openProgram(path);
  try {
    return await digestOpen(file, path, copyTo);
  } finally {
    await file.close();
  }
}

/** Opens a file to be hashed. @throws CliError COMMAND_NOT_A_FILE */
export async function openProgram(path: string): Promise<FileHandle> {
  // Without O_NONBLOCK, a pipe put in the file's place would hold us for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw cliError('COMMAND_NOT_A_FILE', `expected a program, got a folder or device: ${path}`);
}

/** As digestFile, of a file that is open already: whatever its path leads to by now. @throws CliError COMMAND_TOO_LARGE */
export async function digestOpen(
  file: FileHandle,
  path: string,
  copyTo?: FileHandle,
): Promise<DigestedFile> {
  const hash = createHash('sha256').update(TAG);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let head = Buffer.alloc(0);
  let total = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, total);
    if (bytesRead === 0) return { digest: `sha256:${hash.digest('hex')}`, head };
    if (total === 0) head = Buffer.from(chunk.subarray(0, Math.min(bytesRead, HEAD_BYTES)));
    total += bytesRead;
    if (total > FILE_BYTES_MAX) {
      throw cliError('COMMAND_TOO_LARGE', `expected a file of at most 512 MiB: ${path}`);
    }
    const bytes = chunk.subarray(0, bytesRead);
    hash.update(bytes);
    await copyTo?.write(bytes, 0, bytesRead, null);
  }
}
