import { decodeBase64, encodeBase64 } from './base64.ts';
import { TlogError } from './error.ts';
import { HASH_SIZE_BYTES, emptyRoot, equalBytes } from './hash.ts';
import { isPosition, parsePosition } from './position.ts';
import type { VerifySignature } from './signature-check.ts';
import { parseNote, verifyNote } from './signed-note.ts';
import type { VerifiedSignature } from './signed-note.ts';
import { isKeyName } from './verifier-key.ts';
import type { NoteVerifier } from './verifier-key.ts';

/** The head of a log: its root at a size. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Lines after the root. This ledger writes none, and gives them no meaning. */
  readonly extensions: readonly string[];
}

export interface OpenedCheckpoint extends Checkpoint {
  readonly note: string;
  /** Every known key that signed: the log's own, and witnesses when their keys were given. */
  readonly signers: readonly VerifiedSignature[];
}

export interface CheckpointTrust {
  readonly origin: string;
  readonly verifiers: readonly NoteVerifier[];
  readonly verifySignature: VerifySignature;
}

/**
 * Reads the text of a checkpoint (c2sp.org/tlog-checkpoint). Nothing is verified.
 *
 * @throws TlogError `CHECKPOINT_FORMAT`; a size above 2^53-1 too, which no log of ours reaches.
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw refused('expected a newline at the end');
  const [origin, decimal, base64, ...extensions] = text.slice(0, -1).split('\n');
  if (origin === undefined || decimal === undefined || base64 === undefined) {
    throw refused('expected origin, size and root');
  }
  if (origin === '') throw refused('the origin is empty');
  const size = parsePosition(decimal);
  if (size === undefined) throw refused('the size is no decimal, or out of range above 2^53-1');
  const root = decodeBase64(base64);
  if (root?.length !== HASH_SIZE_BYTES) throw refused('the root is no base64 of 32 bytes');
  if (size === 0 && !equalBytes(root, emptyRoot())) throw refused('size 0 with another root');
  if (extensions.includes('')) throw refused('an extension line is empty');
  return { origin, size, root, extensions };
}

/**
 * Writes the text of a checkpoint, ready to be signed.
 *
 * @throws TlogError `CHECKPOINT_FORMAT` for what could not be read again; an origin MUST be a key name.
 */
export function formatCheckpoint(head: {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}): string {
  if (!isKeyName(head.origin)) throw refused('the origin is no key name');
  if (!isPosition(head.size)) throw refused(`size ${head.size} is out of range`);
  const text = `${head.origin}\n${head.size}\n${encodeBase64(head.root)}\n`;
  parseCheckpoint(text);
  return text;
}

/**
 * Opens a signed checkpoint: it is of this log, and a key of this log, named after its origin, has
 * signed it. A witness's cosignature never stands in for the log's own signature.
 *
 * @throws TlogError `NOTE_MALFORMED`, `CHECKPOINT_FORMAT`, `CHECKPOINT_ORIGIN`, `NOTE_SIGNATURE`,
 * `NOTE_UNSIGNED`, `VKEY_FORMAT`
 */
export async function openCheckpoint(
  note: string,
  trust: CheckpointTrust,
): Promise<OpenedCheckpoint> {
  const checkpoint = parseCheckpoint(parseNote(note).text);
  if (checkpoint.origin !== trust.origin) {
    throw new TlogError('CHECKPOINT_ORIGIN', `expected origin ${trust.origin}, got another`);
  }
  const { verified } = await verifyNote(note, trust.verifiers, trust.verifySignature);
  const byLogKeys = verified.filter(({ verifier }) => verifier.type !== 4);
  if (byLogKeys.length === 0) {
    throw new TlogError('NOTE_UNSIGNED', 'expected a signature of the log, got cosignatures only');
  }
  if (byLogKeys.every(({ verifier }) => verifier.name !== trust.origin)) {
    throw new TlogError('CHECKPOINT_ORIGIN', `no key named ${trust.origin} has signed`);
  }
  return { ...checkpoint, note, signers: verified };
}

function refused(why: string): TlogError {
  return new TlogError('CHECKPOINT_FORMAT', `checkpoint: ${why}`);
}
