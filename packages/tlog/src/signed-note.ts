import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { TlogError } from './error.ts';
import { decodeUtf8, isNoteText } from './note-text.ts';
import { isPosition } from './position.ts';
import type { VerifySignature } from './signature-check.ts';
import { isKeyName, parseVerifierKey } from './verifier-key.ts';
import type { NoteVerifier } from './verifier-key.ts';

// The same bounds as golang.org/x/mod, so that whatever it opens we can open.
const NOTE_SIZE_MAX_BYTES = 1_000_000;
const SIGNATURES_MAX = 100;
const KEY_ID_SIZE_BYTES = 4;
const ED25519_SIGNATURE_SIZE_BYTES = 64;
const P256_SIGNATURE_SIZE_MAX_BYTES = 72;
const COSIGNATURE_SIZE_BYTES = 8 + ED25519_SIGNATURE_SIZE_BYTES;
const LINE_START = '\u2014 ';

/**
 * A key that signs notes. `sign` MUST return an Ed25519 signature as 64 bytes or an ECDSA P-256
 * signature over SHA-256 as ASN.1 DER, whichever `vkey` says; and reject when it cannot sign, with a
 * `SignerError` where it knows whether asking again can help. It MUST take any message of 1 to 4,096
 * bytes, and several at a time. `vkey` MUST be one key's for as long as the signer lives, and no other
 * key ever signs. `noteSignerContract` in `@countersign/tlog/testing` is this as tests.
 */
export interface NoteSigner {
  readonly name: string;
  readonly vkey: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  /** Without the key id before it. */
  readonly signature: Uint8Array;
}

export interface ParsedNote {
  /** With its last newline, and without the blank line: exactly what was signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface VerifiedSignature extends NoteSignature {
  readonly verifier: NoteVerifier;
  /** Seconds since 1970 by the witness's clock; only of a cosignature (type 4). */
  readonly time?: number;
}

export interface VerifiedNote {
  readonly text: string;
  readonly verified: readonly VerifiedSignature[];
  /** Of keys that the caller does not know: they say nothing. */
  readonly unverified: readonly NoteSignature[];
}

/**
 * Signs a text, which MUST end in a newline, with each signer in turn.
 *
 * @throws TlogError `NOTE_MALFORMED` for a text that no note can hold, `NOTE_UNSIGNED` for no signers,
 * `VKEY_FORMAT` for a signer whose name is not its key's or that is a witness, `NOTE_SIGNATURE` for a
 * signature of the wrong size; whatever a signer rejects with.
 */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  if (!text.endsWith('\n') || !isNoteText(text)) throw malformed('the text is none');
  if (signers.length === 0) throw new TlogError('NOTE_UNSIGNED', 'expected a signer, got none');
  const message = utf8ToBytes(text);
  let note = `${text}\n`;
  for (const signer of signers) {
    const { name, keyId, type } = parseVerifierKey(signer.vkey);
    if (name !== signer.name) throw new TlogError('VKEY_FORMAT', `${signer.name}: another's key`);
    if (type === 4) throw new TlogError('VKEY_FORMAT', `${name}: a witness key signs no note`);
    const signature = await signer.sign(message);
    if (!hasSignatureSize(type, signature)) {
      throw new TlogError(
        'NOTE_SIGNATURE',
        `${name}: ${signature.length} bytes are no signature of type ${type}`,
      );
    }
    note += `${LINE_START}${name} ${encodeBase64(concatBytes(keyId, signature))}\n`;
  }
  return note;
}

/**
 * Splits a note into its text and its signatures. Nothing is verified.
 *
 * @throws TlogError `NOTE_MALFORMED`
 */
export function parseNote(note: string | Uint8Array): ParsedNote {
  if (note.length > NOTE_SIZE_MAX_BYTES) throw malformed(`above ${NOTE_SIZE_MAX_BYTES} bytes`);
  const whole = typeof note === 'string' ? note : decodeUtf8(note);
  if (whole === undefined || !isNoteText(whole))
    throw malformed('not UTF-8, or control characters');
  // The last blank line separates: a text may hold blank lines itself, and taking the first would let
  // the end of a text be read as signatures.
  const textEnd = whole.lastIndexOf('\n\n') + 1;
  if (textEnd === 0) throw malformed('no blank line');
  const block = whole.slice(textEnd + 1);
  if (!block.endsWith('\n')) throw malformed('no signature line with a newline at its end');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw malformed(`above ${SIGNATURES_MAX} signatures`);
  return { text: whole.slice(0, textEnd), signatures: lines.map(parseSignatureLine) };
}

/**
 * Opens a note: returns its text once at least one known key has signed it. Signatures of unknown keys
 * are skipped, and repeats of a known one dropped; but a known key whose signature does not verify
 * refuses the whole note, whoever else has signed it.
 *
 * @throws TlogError `NOTE_MALFORMED`, `NOTE_SIGNATURE`, `NOTE_UNSIGNED`; `VKEY_FORMAT` when two of the
 * verifiers share name and key id, so that nobody can tell whose signature is whose.
 */
export async function verifyNote(
  note: string | Uint8Array,
  verifiers: readonly NoteVerifier[],
  verifySignature: VerifySignature,
): Promise<VerifiedNote> {
  const { text, signatures } = parseNote(note);
  const known = indexVerifiers(verifiers);
  const verified = new Map<string, VerifiedSignature>();
  const unverified = new Map<string, NoteSignature>();
  for (const line of signatures) {
    const key = keyOf(line.name, bytesToHex(line.keyId));
    const verifier = known.get(key);
    if (verifier === undefined) {
      unverified.set(`${key}+${bytesToHex(line.signature)}`, line);
    } else if (!verified.has(key)) {
      verified.set(key, await verifyLine({ text, line, verifier }, verifySignature));
    }
  }
  if (verified.size === 0) {
    throw new TlogError('NOTE_UNSIGNED', `none of ${verifiers.length} known keys has signed`);
  }
  return { text, verified: [...verified.values()], unverified: [...unverified.values()] };
}

interface KnownLine {
  readonly text: string;
  readonly line: NoteSignature;
  readonly verifier: NoteVerifier;
}

async function verifyLine(known: KnownLine, verify: VerifySignature): Promise<VerifiedSignature> {
  const { text, line, verifier } = known;
  const { type, publicKey } = verifier;
  const signed = type === 4 ? openCosignature(text, line) : { text, signature: line.signature };
  const isGood =
    hasSignatureSize(type, line.signature) &&
    (await verify({
      algorithm: type === 2 ? 'ecdsa-p256-sha256' : 'ed25519',
      publicKey,
      message: utf8ToBytes(signed.text),
      signature: signed.signature,
    }));
  if (!isGood) {
    throw new TlogError(
      'NOTE_SIGNATURE',
      `the signature of ${verifier.name}+${verifier.keyIdHex} does not verify`,
    );
  }
  return { ...line, verifier, ...('time' in signed && { time: signed.time }) };
}

// c2sp.org/tlog-cosignature, cosignature/v1: eight bytes of seconds stand before the signature, and
// are signed as decimals before the text.
function openCosignature(
  text: string,
  line: NoteSignature,
): { text: string; signature: Uint8Array; time: number } {
  const time = line.signature.subarray(0, 8).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!isPosition(time)) {
    throw new TlogError('NOTE_SIGNATURE', `the time of ${line.name} is out of range above 2^53-1`);
  }
  return {
    text: `cosignature/v1\ntime ${time}\n${text}`,
    signature: line.signature.subarray(8),
    time,
  };
}

function hasSignatureSize(type: NoteVerifier['type'], signature: Uint8Array): boolean {
  if (type === 2) return signature.length <= P256_SIGNATURE_SIZE_MAX_BYTES;
  const expected = type === 1 ? ED25519_SIGNATURE_SIZE_BYTES : COSIGNATURE_SIZE_BYTES;
  return signature.length === expected;
}

function indexVerifiers(verifiers: readonly NoteVerifier[]): Map<string, NoteVerifier> {
  const known = new Map<string, NoteVerifier>();
  for (const verifier of verifiers) {
    const key = keyOf(verifier.name, verifier.keyIdHex);
    if ((known.get(key) ?? verifier).vkey !== verifier.vkey) {
      throw new TlogError('VKEY_FORMAT', `two different verifier keys are both called ${key}`);
    }
    known.set(key, verifier);
  }
  return known;
}

// A name holds no plus, so this cannot be read in two ways.
function keyOf(name: string, keyIdHex: string): string {
  return `${name}+${keyIdHex}`;
}

function parseSignatureLine(line: string): NoteSignature {
  if (!line.startsWith(LINE_START)) throw malformed('a signature line without its dash');
  const nameEnd = line.indexOf(' ', LINE_START.length);
  if (nameEnd < 0) throw malformed('a signature line without a signature');
  const name = line.slice(LINE_START.length, nameEnd);
  const bytes = decodeBase64(line.slice(nameEnd + 1));
  if (!isKeyName(name)) throw malformed('a signature line without a key name');
  if (bytes === undefined || bytes.length <= KEY_ID_SIZE_BYTES) {
    throw malformed('a signature that is no base64 of more than 4 bytes');
  }
  return {
    name,
    keyId: bytes.slice(0, KEY_ID_SIZE_BYTES),
    signature: bytes.slice(KEY_ID_SIZE_BYTES),
  };
}

function malformed(why: string): TlogError {
  return new TlogError('NOTE_MALFORMED', `note: ${why}`);
}
