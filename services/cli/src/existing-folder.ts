import { realpath, stat } from 'node:fs/promises';
import { cliError, isSystemError } from './cli-error.ts';

/**
 * Where a folder that an option names really is.
 *
 * @throws CliError DIRECTORY_NOT_FOUND
 */
export async function existingFolder(path: string, option: string): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
  }
  throw cliError('DIRECTORY_NOT_FOUND', `expected a folder for ${option} at ${path}`);
}
