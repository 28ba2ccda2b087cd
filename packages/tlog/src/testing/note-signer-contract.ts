import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VerifySignature } from '../signature-check.ts';
import { signNote, verifyNote } from '../signed-note.ts';
import type { NoteSigner } from '../signed-note.ts';
import { parseVerifierKey } from '../verifier-key.ts';
import type { NoteVerifier } from '../verifier-key.ts';

/** One key, and how to open a signer on it. */
export interface NoteSignerSubject {
  /** The name that the signer is opened with. */
  readonly name: string;
  /** 1 for Ed25519, 2 for ECDSA P-256. */
  readonly type: 1 | 2;
  /** The same key each time, whatever became of the signers before. */
  open(): Promise<NoteSigner>;
  dispose(): Promise<void>;
  readonly verifySignature: VerifySignature;
}

const MESSAGE_MAX_BYTES = 4_096;
const AT_A_TIME = 16;

/** The contract of the port. Call it from the tests of every signer. */
export function noteSignerContract(name: string, create: () => Promise<NoteSignerSubject>): void {
  describe(`note signer contract: ${name}`, () => {
    let subject: NoteSignerSubject;
    let signer: NoteSigner;

    beforeEach(async () => {
      subject = await create();
      signer = await subject.open();
    });

    afterEach(async () => {
      await subject.dispose();
    });

    const isSigned = async (
      message: Uint8Array,
      signature: Uint8Array,
      { publicKey, type }: NoteVerifier = parseVerifierKey(signer.vkey),
    ): Promise<boolean> => {
      const algorithm = type === 2 ? 'ecdsa-p256-sha256' : 'ed25519';
      return subject.verifySignature({ algorithm, publicKey, message, signature });
    };

    it('has a verifier key of its name and kind', () => {
      const { name: keyName, type } = parseVerifierKey(signer.vkey);
      expect([signer.name, keyName, type]).toEqual([subject.name, subject.name, subject.type]);
    });

    it('signs the bytes that it is given, whatever they are and however many', async () => {
      for (const size of [1, 31, 32, 64, 110, MESSAGE_MAX_BYTES]) {
        const message = Uint8Array.from({ length: size }, (_, at) => (at * 7 + size) % 256);
        const given = message.slice();
        const signature = await signer.sign(given);
        expect(given).toEqual(message);
        expect(await isSigned(message, signature)).toBe(true);
        const other = message.with(size - 1, (message.at(-1) ?? 0) ^ 1);
        expect(await isSigned(other, signature)).toBe(false);
      }
    });

    it('gives each of many callers the signature of their own message', async () => {
      const messages = Array.from({ length: AT_A_TIME }, (_, at) => Uint8Array.of(at, 1, 2, 3));
      const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
      for (const [at, message] of messages.entries()) {
        expect(await isSigned(message, signatures[at] ?? new Uint8Array())).toBe(true);
      }
    });

    it('signs notes that open with its verifier key, and with no other name', async () => {
      const note = await signNote('text\nof two lines — …\n', [signer]);
      const verifiers = [parseVerifierKey(signer.vkey)];
      const opened = await verifyNote(note, verifiers, subject.verifySignature);
      expect(opened.verified.map((line) => line.name)).toEqual([subject.name]);
      expect(opened.unverified).toEqual([]);
    });

    it('is the same key when it is opened again', async () => {
      const again = await subject.open();
      expect(again.vkey).toBe(signer.vkey);
      const message = Uint8Array.of(1, 2, 3);
      const verifier = parseVerifierKey(signer.vkey);
      expect(await isSigned(message, await again.sign(message), verifier)).toBe(true);
    });
  });
}
