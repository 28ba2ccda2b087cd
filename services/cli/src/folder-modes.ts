import { chmod, stat } from 'node:fs/promises';
import { cliError, isSystemError } from './cli-error.ts';
import type { DataFolder } from './data-folder.ts';
import type { Narrator } from './narrator.ts';

const GROUP_AND_OTHERS = 0o077;

/**
 * Keeps the folder and its files to their owner, as they were made. Secret files are refused instead: what others may have
 * read cannot be taken back.
 *
 * @throws CliError DATA_PERMISSIONS
 */
export async function tightenModes(folder: DataFolder, narrator: Narrator): Promise<void> {
  const { path, keysFolder, requestsFolder, brokerFile, storeFile } = folder;
  const { markFile, trustFile, positionsFile } = folder;
  const folders = [path, keysFolder, requestsFolder];
  for (const each of [...folders, brokerFile, storeFile, markFile, trustFile, positionsFile]) {
    await tighten(each, narrator);
  }
}

async function tighten(path: string, narrator: Narrator): Promise<void> {
  const mode = await modeOf(path);
  if (mode === undefined || (mode & GROUP_AND_OTHERS) === 0) return;
  const [was, now] = [mode & 0o777, mode & 0o700].map((bits) => bits.toString(8));
  try {
    await chmod(path, mode & 0o700);
  } catch (error) {
    if (!isSystemError(error, 'EPERM', 'EROFS', 'EACCES')) throw error;
    throw cliError('DATA_PERMISSIONS', `${path}: expected a mode for its owner only, got ${was}`, {
      cause: error,
      hint: `chmod ${now} ${path}, and think about who could have changed it`,
    });
  }
  narrator.say(
    'tightened',
    `${path} was open to other users (mode ${was}): it is ${now} now; think about who could have used that`,
    { path, was, now },
  );
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
