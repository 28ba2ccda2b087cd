import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, unlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from './system-error.ts';

const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const DRAFT_BYTES = 8;

export interface DurableOptions {
  /** 0600 unless given. */
  readonly mode?: number;
  readonly modifiedAt?: Date;
}

export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY_FOLDER });
}

/**
 * Makes a file that was not there. False where it was: then nothing is changed.
 *
 * Crash story: the file gets its name only once it is whole on the disk. If we stop before, a hidden draft with a random part in
 * its name is left, which nobody reads; if we stop after, the file is there.
 */
export async function createDurably(
  path: string,
  content: string | Uint8Array,
  options: DurableOptions = {},
): Promise<boolean> {
  const draft = await writtenDraft(path, content, options);
  try {
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

/** Whoever looks sees the old file or the new one, whole. The same crash story. */
export async function replaceDurably(
  path: string,
  content: string | Uint8Array,
  options: DurableOptions = {},
): Promise<void> {
  const draft = await writtenDraft(path, content, options);
  try {
    await rename(draft, path);
  } catch (error) {
    await unlink(draft);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Names that were given and taken away in it stay so. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Hidden, because who watches the folder must not take up what has no name yet; and of no name that another process, or
 * another call, could be writing to.
 */
async function writtenDraft(
  path: string,
  content: string | Uint8Array,
  { mode = OWNER_ONLY, modifiedAt }: DurableOptions,
): Promise<string> {
  const serial = randomBytes(DRAFT_BYTES).toString('hex');
  const draft = join(dirname(path), `.${basename(path)}.${serial}.new`);
  const file = await open(draft, 'wx', mode);
  try {
    await file.writeFile(content);
    if (modifiedAt !== undefined) await utimes(draft, modifiedAt, modifiedAt);
    await file.sync();
  } catch (error) {
    await unlink(draft);
    throw error;
  } finally {
    await file.close();
  }
  return draft;
}
