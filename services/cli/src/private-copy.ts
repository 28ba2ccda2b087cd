import { constants } from 'node:fs';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CliError, cliError, isSystemError } from './cli-error.ts';
import type { FileFact } from './executable.ts';
import { digestFile } from './file-digest.ts';

export interface PrivateCopy {
  readonly path: string;
  /** The first of the approved bytes. */
  readonly head: Buffer;
  remove(): Promise<void>;
}

/**
 * A copy of a program that nobody else can write, made of the very bytes that were hashed on the way: between the check
 * and the start there is no moment in which another file could take its place (attack rows A01, A07).
 *
 * @throws CliError ACTION_DIGEST_MISMATCH when the file no longer has the approved bytes
 */
export async function copyPrivately(approved: FileFact, tempFolder: string): Promise<PrivateCopy> {
  const folder = await mkdtemp(join(tempFolder, 'countersign-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await chmod(folder, 0o700);
    const path = join(folder, basename(approved.path));
    const target = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
    let copied;
    try {
      copied = await digestFile(approved.path, target);
      await target.chmod(0o500);
    } finally {
      // Closed before it runs: Linux refuses to start a file that is open for writing.
      await target.close();
    }
    assertApproved(copied.digest, approved);
    return { path, head: copied.head, remove };
  } catch (error) {
    await remove();
    throw isSystemError(error, 'ENOENT') ? gone(approved, error) : error;
  }
}

/** @throws CliError ACTION_DIGEST_MISMATCH */
export async function assertUnchanged(approved: FileFact): Promise<void> {
  try {
    assertApproved((await digestFile(approved.path)).digest, approved);
  } catch (error) {
    throw isSystemError(error, 'ENOENT') ? gone(approved, error) : error;
  }
}

/** @throws CliError ACTION_DIGEST_MISMATCH */
export function assertApproved(digest: string, approved: FileFact): void {
  if (digest === approved.digest) return;
  throw new CliError(
    'ACTION_DIGEST_MISMATCH',
    `${approved.path}: expected the approved bytes ${approved.digest}, got ${digest}; it did not run`,
    { hint: 'the file changed after it was shown; ask again to have the new one approved' },
  );
}

export function gone(approved: FileFact, cause: unknown): CliError {
  return cliError('COMMAND_NOT_FOUND', `expected the approved program at ${approved.path}`, {
    cause,
  });
}
