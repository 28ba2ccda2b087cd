import { bytesToHex } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { openCheckpoint } from './checkpoint.ts';
import type { CheckpointTrust, OpenedCheckpoint } from './checkpoint.ts';
import { TlogError } from './error.ts';
import { assertHashes, hashLine, parseHashLines } from './hash-line.ts';
import { verifyInclusion } from './inclusion-proof.ts';
import { isPosition, parsePosition } from './position.ts';
import type { VerifiedSignature } from './signed-note.ts';
import type { NoteVerifier } from './verifier-key.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
const EXTRA_SIZE_MAX_BYTES = 65_536;

/** A receipt: where an entry stands in a log, with the signed head that holds it. */
export interface TlogProof {
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  /** The signed note, byte for byte. */
  readonly checkpoint: string;
  /** Not authenticated by anything. */
  readonly extra?: Uint8Array;
}

export interface TlogProofTrust extends CheckpointTrust {
  readonly text: string;
  readonly leafHash: Uint8Array;
  /** When given, that many of these witnesses, counted by distinct keys, must have cosigned. */
  readonly witnesses?: { readonly verifiers: readonly NoteVerifier[]; readonly quorum: number };
}

export interface VerifiedTlogProof {
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: OpenedCheckpoint;
  /** Of the given witnesses; each tells its time. */
  readonly cosignatures: readonly VerifiedSignature[];
}

/**
 * Writes a receipt (c2sp.org/tlog-proof).
 *
 * @throws TlogError `TLOG_PROOF_FORMAT` for what could not be read again.
 */
export function formatTlogProof(parts: TlogProof): string {
  const { index, proof, checkpoint, extra } = parts;
  assertReadable(parts);
  const lines = proof.map(hashLine).join('');
  return receiptText({ index, lines, checkpoint, ...(extra !== undefined && { extra }) });
}

/** From hash lines that were written before. Nothing is checked. */
export function receiptText(parts: Omit<TlogProof, 'proof'> & { readonly lines: string }): string {
  const { index, lines, checkpoint, extra } = parts;
  const extraLine = extra === undefined ? '' : `extra ${encodeBase64(extra)}\n`;
  return `${HEADER}\n${extraLine}index ${index}\n${lines}\n${checkpoint}`;
}

/** All that `parseTlogProof` could refuse of what is written here. */
function assertReadable({ index, proof, checkpoint, extra }: TlogProof): void {
  if (!isPosition(index)) throw refused(`index ${index} is out of range`);
  if (extra !== undefined) assertExtra(extra);
  assertHashes(proof, refused);
  if (checkpoint === '') throw refused('expected a checkpoint');
}

/**
 * Reads a receipt. Nothing is verified, and the checkpoint is not looked into.
 *
 * @throws TlogError `TLOG_PROOF_FORMAT`
 */
export function parseTlogProof(text: string): TlogProof {
  // The first blank line ends the proof; the blank lines after it are the checkpoint's own.
  const headEnd = text.indexOf('\n\n');
  if (headEnd < 0) throw refused('expected a blank line before the checkpoint');
  const [header, ...rest] = text.slice(0, headEnd).split('\n');
  if (header !== HEADER) throw refused(`expected ${HEADER} in the first line`);
  const extra = rest[0]?.startsWith('extra ') ? parseExtra(rest.shift()) : undefined;
  const [indexLine, ...hashLines] = rest;
  if (!indexLine?.startsWith('index ')) throw refused('expected an index line');
  const index = parsePosition(indexLine.slice('index '.length));
  if (index === undefined) throw refused('the index is no decimal, or out of range above 2^53-1');
  const proof = parseHashLines(hashLines, refused);
  const checkpoint = text.slice(headEnd + 2);
  if (checkpoint === '') throw refused('expected a checkpoint');
  return { index, proof, checkpoint, ...(extra !== undefined && { extra }) };
}

/**
 * Verifies a receipt offline: the entry with this leaf hash is in the log of this origin, under a head
 * that the log has signed and, where asked, enough witnesses have cosigned.
 *
 * @throws TlogError `TLOG_PROOF_FORMAT`, the codes of `openCheckpoint` and of `verifyInclusion`, and
 * `WITNESS_QUORUM`
 */
export async function verifyTlogProof(trust: TlogProofTrust): Promise<VerifiedTlogProof> {
  const { text, leafHash, witnesses } = trust;
  const { index, proof, checkpoint: note } = parseTlogProof(text);
  const witnessKeys = witnesses?.verifiers ?? [];
  const checkpoint = await openCheckpoint(note, {
    origin: trust.origin,
    verifiers: [...trust.verifiers, ...witnessKeys],
    verifySignature: trust.verifySignature,
  });
  const { size, root } = checkpoint;
  verifyInclusion({ leafHash, index, size, proof, root });
  const vkeys = new Set(witnessKeys.map(({ vkey }) => vkey));
  const cosignatures = checkpoint.signers.filter(
    ({ verifier }) => verifier.type === 4 && vkeys.has(verifier.vkey),
  );
  assertQuorum(cosignatures, witnesses?.quorum ?? 0);
  return { index, size, root, checkpoint, cosignatures };
}

// cosignature/v1 does not commit to the witness's name, so one key under two names is one witness.
function assertQuorum(cosignatures: readonly VerifiedSignature[], quorum: number): void {
  const keys = new Set(cosignatures.map(({ verifier }) => bytesToHex(verifier.publicKey)));
  if (!isPosition(quorum) || keys.size < quorum) {
    throw new TlogError(
      'WITNESS_QUORUM',
      `expected ${quorum} witnesses, ${keys.size} have cosigned`,
    );
  }
}

function parseExtra(line: string | undefined): Uint8Array {
  const extra = decodeBase64((line ?? '').slice('extra '.length));
  if (extra === undefined) throw refused('extra is no base64');
  assertExtra(extra);
  return extra;
}

function assertExtra(extra: Uint8Array): void {
  if (extra.length === 0 || extra.length > EXTRA_SIZE_MAX_BYTES) {
    throw refused(`extra is not of 1 to ${EXTRA_SIZE_MAX_BYTES} bytes`);
  }
}

function refused(why: string): TlogError {
  return new TlogError('TLOG_PROOF_FORMAT', `tlog-proof: ${why}`);
}
