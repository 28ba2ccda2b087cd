import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, unlink, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY_FOLDER });
}

/**
 * Makes a file that was not there. False where it was: then nothing is changed.
 *
 * Crash story: the file gets its name only once it is whole on the disk. If we stop before, a hidden file of a random name
 * is left, which nobody reads.
 */
export async function createDurably(
  path: string,
  content: string | Uint8Array,
  modifiedAt?: Date,
): Promise<boolean> {
  const draft = await writtenDraft(path, content);
  try {
    if (modifiedAt !== undefined) await utimes(draft, modifiedAt, modifiedAt);
    await link(draft, path);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(draft);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Whoever looks sees the old file or the new one, whole. */
export async function replaceDurably(path: string, content: string | Uint8Array): Promise<void> {
  await rename(await writtenDraft(path, content), path);
  await syncFolder(dirname(path));
}

/** Hidden, because a bank's client that watches the folder must not send a file that has no name yet. */
async function writtenDraft(path: string, content: string | Uint8Array): Promise<string> {
  const draft = `${dirname(path)}/.${randomBytes(8).toString('hex')}.draft`;
  const file = await open(draft, 'wx', OWNER_ONLY);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
