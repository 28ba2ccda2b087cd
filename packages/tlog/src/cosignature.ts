import { concatBytes } from '@noble/hashes/utils.js';
import { encodeBase64 } from './base64.ts';
import { TlogError } from './error.ts';
import type { VerifySignature } from './signature-check.ts';
import { parseNote, verifyNote } from './signed-note.ts';
import type { NoteVerifier } from './verifier-key.ts';

/** What a witness said of a head. */
export interface Cosignature {
  /** With its newline: appended to the note, it is part of it. */
  readonly line: string;
  /** Seconds since 1970 by the witness's clock. */
  readonly time: number;
}

/**
 * Finds the cosignature of one witness in the lines that it has answered with, and verifies it. Whatever else stands there is
 * left: a witness has nothing to say for others.
 *
 * @throws TlogError `NOTE_MALFORMED`, `NOTE_UNSIGNED`, `NOTE_SIGNATURE`
 */
export async function openCosignature(
  answer: string,
  by: {
    /** The head as it was offered. */
    readonly note: string;
    readonly witness: NoteVerifier;
    readonly verifySignature: VerifySignature;
  },
): Promise<Cosignature> {
  const { text } = parseNote(by.note);
  const { verified } = await verifyNote(`${text}\n${answer}`, [by.witness], by.verifySignature);
  const [first] = verified;
  if (first?.time === undefined) {
    throw new TlogError('NOTE_UNSIGNED', `expected a cosignature of ${by.witness.name}`);
  }
  const { name, keyId, signature, time } = first;
  return { line: `\u2014 ${name} ${encodeBase64(concatBytes(keyId, signature))}\n`, time };
}
