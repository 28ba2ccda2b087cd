import { stat, type FileHandle } from 'node:fs/promises';
import { isSystemError } from './cli-error.ts';
import type { FileFact } from './executable.ts';
import { digestOpen, openProgram } from './file-digest.ts';
import { assertApproved, assertUnchanged, copyPrivately, gone } from './private-copy.ts';

/** An interpreter whose bytes were found to be the approved ones, with a way to start exactly that file. */
export interface HeldInterpreter {
  /** What to start. */
  readonly file: string;
  /** What has to be true again at the very last moment. @throws CliError ACTION_DIGEST_MISMATCH */
  recheck(): Promise<void>;
  release(): Promise<void>;
}

const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;

/**
 * Keeps the interpreter of a script from its check to its start. It is opened once, and started as that open file: another
 * one put at its path meanwhile is never looked at. Many interpreters find their libraries beside the file that they run from,
 * so it is copied only where users other than its own could write into that very file (attack rows A01, A07).
 *
 * @throws CliError ACTION_DIGEST_MISMATCH, COMMAND_NOT_FOUND
 */
export async function holdInterpreter(
  approved: FileFact,
  tempFolder: string,
): Promise<HeldInterpreter> {
  const opened = await openApproved(approved);
  try {
    if (await isWritableByOthers(opened)) {
      await opened.close();
      return await heldCopy(approved, tempFolder);
    }
    const recheck = async (): Promise<void> => {
      assertApproved((await digestOpen(opened, approved.path)).digest, approved);
    };
    await recheck();
    return { file: await startable(opened, approved), recheck, release: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function openApproved(approved: FileFact): Promise<FileHandle> {
  try {
    return await openProgram(approved.path);
  } catch (error) {
    throw isSystemError(error, 'ENOENT') ? gone(approved, error) : error;
  }
}

async function isWritableByOthers(file: FileHandle): Promise<boolean> {
  const { mode, uid } = await file.stat();
  return (mode & WRITABLE_BY_OTHERS) !== 0 || (uid !== ROOT && uid !== process.getuid?.());
}

async function heldCopy(approved: FileFact, tempFolder: string): Promise<HeldInterpreter> {
  const copy = await copyPrivately(approved, tempFolder);
  return {
    file: copy.path,
    recheck: () => assertUnchanged({ path: copy.path, digest: approved.digest }),
    release: () => copy.remove(),
  };
}

/** The open file by its number, which the started process still has at that moment. Without /proc only the path is left. */
async function startable(file: FileHandle, { path }: FileFact): Promise<string> {
  const byNumber = `/proc/self/fd/${file.fd}`;
  try {
    const [opened, named] = await Promise.all([file.stat(), stat(byNumber)]);
    return opened.ino === named.ino && opened.dev === named.dev ? byNumber : path;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return path;
    throw error;
  }
}
