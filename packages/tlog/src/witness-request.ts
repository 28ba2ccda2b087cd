import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import type { CheckpointTrust, OpenedCheckpoint } from './checkpoint.ts';
import { verifyConsistency } from './consistency-proof.ts';
import { TlogError } from './error.ts';
import type { TlogErrorCode } from './error.ts';
import { assertHashes, hashLine, parseHashLines } from './hash-line.ts';
import { isPosition, parsePosition } from './position.ts';
import { sha256 } from './sha256.ts';
import { parseNote } from './signed-note.ts';

const OLD = 'old ';

/** What a log asks a witness to cosign (c2sp.org/tlog-witness, add-checkpoint). */
export interface WitnessRequest {
  /** The size that the log takes the witness to hold; 0 for none. */
  readonly oldSize: number;
  /** From the old size to that of the checkpoint. */
  readonly proof: readonly Uint8Array[];
  /** The signed note, byte for byte. */
  readonly checkpoint: string;
}

/** A log that a witness follows, with the head of it that it last cosigned: at first, size 0 and the empty root. */
export interface WitnessedLog extends CheckpointTrust {
  readonly size: number;
  readonly root: Uint8Array;
}

/** By HTTP status. 200 brings what is to be kept and cosigned, 409 the size to ask again from. */
export type WitnessAnswer =
  | { readonly status: 200; readonly checkpoint: OpenedCheckpoint }
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: TlogError };

/**
 * Writes the body of an add-checkpoint request.
 *
 * @throws TlogError `WITNESS_REQUEST` for what could not be read again
 */
export function formatWitnessRequest(request: WitnessRequest): string {
  const { oldSize, proof, checkpoint } = request;
  if (!isPosition(oldSize)) throw refused(`old size ${oldSize} is out of range`);
  assertHashes(proof, refused);
  if (checkpoint === '') throw refused('expected a checkpoint');
  return `${OLD}${oldSize}\n${proof.map(hashLine).join('')}\n${checkpoint}`;
}

/**
 * Reads such a body. Nothing is verified, and the checkpoint is not looked into.
 *
 * @throws TlogError `WITNESS_REQUEST`
 */
export function parseWitnessRequest(body: string): WitnessRequest {
  // The first blank line ends the proof; the blank lines after it are the checkpoint's own.
  const headEnd = body.indexOf('\n\n');
  if (headEnd < 0) throw refused('expected a blank line before the checkpoint');
  const [oldLine, ...hashLines] = body.slice(0, headEnd).split('\n');
  if (!oldLine?.startsWith(OLD)) throw refused('expected an old size line');
  const oldSize = parsePosition(oldLine.slice(OLD.length));
  if (oldSize === undefined)
    throw refused('the old size is no decimal, or out of range above 2^53-1');
  const proof = parseHashLines(hashLines, refused);
  const checkpoint = body.slice(headEnd + 2);
  if (checkpoint === '') throw refused('expected a checkpoint');
  return { oldSize, proof, checkpoint };
}

/**
 * What a witness that holds this of the log answers. A log checks its own request with it before it sends it, for
 * a witness may report what it refuses as misbehaviour; and tests have a witness to talk to. A witness MUST
 * judge and keep the new head as one step, and keep it before it answers: two requests judged against the same head
 * could take it back.
 *
 * @throws TlogError `VKEY_FORMAT` for verifiers that cannot be told apart; whatever `verifySignature` throws
 */
export async function judgeWitnessRequest(body: string, log: WitnessedLog): Promise<WitnessAnswer> {
  try {
    return await judge(parseWitnessRequest(body), log);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    const status = STATUS_OF.get(error.code);
    if (status === undefined) throw error;
    return { status, reason: error };
  }
}

/** Other errors are bugs of ours, or of who holds the log, and no answer to a request. */
const STATUS_OF: ReadonlyMap<TlogErrorCode, 400 | 403 | 422> = new Map([
  ['WITNESS_REQUEST', 400],
  ['NOTE_MALFORMED', 400],
  ['CHECKPOINT_FORMAT', 400],
  ['NOTE_SIGNATURE', 403],
  ['NOTE_UNSIGNED', 403],
  // Of the signing key: that the checkpoint is of another log is found before.
  ['CHECKPOINT_ORIGIN', 403],
  ['PROOF_LENGTH', 422],
  ['PROOF_ROOT', 422],
]);

async function judge(request: WitnessRequest, log: WitnessedLog): Promise<WitnessAnswer> {
  const { origin } = parseCheckpoint(parseNote(request.checkpoint).text);
  if (origin !== log.origin) {
    const reason = new TlogError('CHECKPOINT_ORIGIN', `expected ${log.origin}, got another`);
    return { status: 404, reason };
  }
  const checkpoint = await openCheckpoint(request.checkpoint, log);
  const { size: to, root: toRoot } = checkpoint;
  const { oldSize: from, proof } = request;
  if (from > to) throw refused(`expected an old size up to ${to}, got ${from}`);
  if (from !== log.size) return { status: 409, size: log.size };
  verifyConsistency({ from, to, fromRoot: log.root, toRoot, proof });
  return { status: 200, checkpoint };
}

/** The name of a log in a witness's URLs: `GET <prefix>/<hash>/checkpoint`. */
export function originHash(origin: string): string {
  return bytesToHex(sha256(utf8ToBytes(origin)));
}

function refused(why: string): TlogError {
  return new TlogError('WITNESS_REQUEST', `witness request: ${why}`);
}
