import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { makePrivateFolder } from '@countersign/durable-file';
import { cliError, isSystemError } from './cli-error.ts';
import type { DataFolder } from './data-folder.ts';
import type { Narrator } from './narrator.ts';

const GROUP_AND_OTHERS = 0o077;

/**
 * Keeps the folder and its files to their owner, as they were made. Secret files are refused instead: what others may have
 * read cannot be taken back. Links in the folder are refused, never followed: they lead to what is not ours to change.
 *
 * @throws CliError DATA_PERMISSIONS
 */
export async function tightenModes(folder: DataFolder, narrator: Narrator): Promise<void> {
  const { path, keysFolder, requestsFolder, brokerFile, storeFile } = folder;
  const { markFile, trustFile, positionsFile, snapshotFile } = folder;
  // Where the folder itself is, its owner said: a link there is theirs.
  const isLink = (await lstat(path)).isSymbolicLink();
  const folders = [isLink ? await realpath(path) : path, keysFolder, requestsFolder];
  for (const each of folders) await tighten(each, 'folder', narrator);
  const files = [brokerFile, storeFile, markFile, trustFile, positionsFile, snapshotFile];
  for (const each of files) await tighten(each, 'file', narrator);
}

async function tighten(path: string, kind: 'file' | 'folder', narrator: Narrator): Promise<void> {
  const found = await existing(path);
  if (found === undefined) return;
  if (!isOfKind(found, kind)) throw noneOf(kind, path);
  if ((found.mode & GROUP_AND_OTHERS) === 0) return;
  const [was, now] = [found.mode & 0o777, found.mode & 0o700].map((bits) => bits.toString(8));
  try {
    await changeMode(path, kind);
  } catch (error) {
    // What was put there in between.
    if (isSystemError(error, 'ELOOP', 'ENOTDIR', 'ENXIO')) throw noneOf(kind, path, error);
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

/** Changes what is open, so that nothing that is put at the path meanwhile is changed instead. */
async function changeMode(path: string, kind: 'file' | 'folder'): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const opened = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = await opened.stat();
    if (!isOfKind(found, kind)) throw noneOf(kind, path);
    await opened.chmod(found.mode & 0o700);
  } finally {
    await opened.close();
  }
}

function isOfKind(found: Stats, kind: 'file' | 'folder'): boolean {
  return kind === 'file' ? found.isFile() : found.isDirectory();
}

function noneOf(kind: 'file' | 'folder', path: string, cause?: unknown): Error {
  return cliError('DATA_PERMISSIONS', `${path}: expected a ${kind}, got a link or something else`, {
    cause,
    hint: 'put the real one in its place, and think about who could have changed it',
  });
}

/**
 * Makes the folders, the outer one first, and makes sure that nobody but their owner, who runs this, can change what is in them. Of
 * records that say what has run: who could take one away could have it run once more (attack row C16).
 *
 * @throws CliError DATA_PERMISSIONS
 */
export async function makeOwnFolders(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await makePrivateFolder(path);
    assertOwn(await lstat(path), path);
  }
}

function assertOwn(found: Stats, path: string): void {
  if (!found.isDirectory()) throw noneOf('folder', path);
  const own = process.getuid?.() ?? found.uid;
  if ((found.mode & GROUP_AND_OTHERS) === 0 && found.uid === own) return;
  const mode = (found.mode & 0o777).toString(8);
  throw cliError(
    'DATA_PERMISSIONS',
    `${path}: expected a folder of user ${own} and of mode 700, got user ${found.uid} and mode ${mode}; nothing was run`,
    { hint: `think about who could have taken a record away, then: chown ${own} and chmod 700` },
  );
}

async function existing(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
