import { join } from 'node:path';
import { subjectDigest } from '@countersign/binding';
import { fromBase64url, toBase64url, type Digest } from '@countersign/canonical';
import { makePrivateFolder } from '@countersign/durable-file';
import { subjectSalt } from '@countersign/gateway/subject-salt';
import { CliError, cliError } from './cli-error.ts';
import { createPrivate, readIfThere, type DataFolder } from './data-folder.ts';

/** A subject of an identity provider, as its tokens name it. */
export interface CompanyAccount {
  readonly issuer: string;
  readonly subject: string;
}

const KEY_BYTES = 32;
const SUBJECT_MAX = 255;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** An issuer exactly as its tokens write it: https, or this machine. @throws CliError USAGE */
export function parseIssuer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  const isPlain = url?.search === '' && url.hash === '';
  if (isSafe && isPlain && /^https?:\/\/[!-~]{1,500}$/.test(text)) {
    return text;
  }
  throw cliError('USAGE', 'expected an issuer like https://login.example.com/acme');
}

/** @throws CliError USAGE */
export function parseSubject(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text) && text.length <= SUBJECT_MAX) return text;
  throw cliError('USAGE', `expected a subject of 1 to ${SUBJECT_MAX} visible ASCII characters`);
}

/** What the salts of subjects follow from; undefined where no subject was ever named. @throws CliError KEY_FILE_INVALID */
export async function readSubjectKey(folder: DataFolder): Promise<Uint8Array | undefined> {
  const text = (await readIfThere(folder.subjectKey))?.trim();
  if (text === undefined) return undefined;
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return fromBase64url(text);
  throw cliError('KEY_FILE_INVALID', `${folder.subjectKey}: expected 32 bytes in base64url`);
}

/** As readSubjectKey, and makes it where there is none yet: before anything that depends on it is asked for. */
export async function requireSubjectKey(
  folder: DataFolder,
  randomBytes: (size: number) => Uint8Array,
): Promise<Uint8Array> {
  const known = await readSubjectKey(folder);
  if (known !== undefined) return known;
  await makePrivateFolder(folder.keysFolder);
  const key = randomBytes(KEY_BYTES);
  try {
    await createPrivate(folder.subjectKey, `${toBase64url(key)}\n`);
    return key;
  } catch (error) {
    // Another command of ours was faster: its key is the one.
    const isThere = error instanceof CliError && error.code === 'FILE_EXISTS';
    const made = isThere ? await readSubjectKey(folder) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

export interface Tie {
  readonly kind: 'person-tied';
  readonly person: string;
  readonly issuer: string;
  readonly subject_digest: Digest;
}

/**
 * What ties a person to an account: schemas/formats/authority.md §10. Beside it goes the file that shows later whose account it
 * is, which is nowhere else; so it is written first.
 *
 * @throws CliError KEY_FILE_INVALID, FILE_EXISTS, DISK_FULL
 */
export async function tieOf(
  folder: DataFolder,
  of: CompanyAccount & { readonly person: string },
  randomBytes: (size: number) => Uint8Array,
): Promise<{ tie: Tie; path: string }> {
  const { person, issuer, subject } = of;
  const salt = subjectSalt(await requireSubjectKey(folder, randomBytes), { issuer, person });
  const subject_digest = subjectDigest({ issuer, subject, salt });
  const shown = { person, issuer, subject, salt, subject_digest };
  // A person can be tied again, to another account.
  const path = join(folder.path, `account-${person}-${subject_digest.slice(7, 15)}.json`);
  if ((await readIfThere(path)) === undefined) {
    await createPrivate(path, `${JSON.stringify(shown, null, 2)}\n`);
  }
  return { tie: { kind: 'person-tied', person, issuer, subject_digest }, path };
}
