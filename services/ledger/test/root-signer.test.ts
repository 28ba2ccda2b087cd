import { utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { verifyCoseReceipt, formatCoseReceipt } from '@countersign/cose-receipt';
import {
  MemoryTree,
  formatCheckpoint,
  hashLeaf,
  parseVerifierKey,
  signNote,
  type NoteSigner,
} from '@countersign/tlog';
import { describe, expect, it } from 'vitest';
import { noteSigner } from '../../../test/support/note-key.ts';
import { change } from '../../../packages/log-reader/test/log-of-test.ts';
import { RootSigner, type RootSignerOptions } from '../src/index.ts';

const ORIGIN = 'countersign.test/log/0';
const own = noteSigner(ORIGIN);
const other = noteSigner(ORIGIN);
const tree = new MemoryTree();
tree.append(hashLeaf(Uint8Array.of(1)));
const root = tree.root();

function head(by: NoteSigner, origin = ORIGIN): Promise<string> {
  return signNote(formatCheckpoint({ origin, size: 1, root }), [by]);
}

function signing(changes: Partial<RootSignerOptions> = {}): RootSigner {
  return new RootSigner({
    origin: ORIGIN,
    logKeys: [own.vkey],
    signers: [own],
    verifySignature,
    keyEntries: () => Promise.resolve([]),
    ...changes,
  });
}

describe('the root of a head is signed for COSE receipts', () => {
  it('where the log has signed the head', async () => {
    const signedRoot = await signing().sign(await head(own));
    const { publicKey } = parseVerifierKey(own.vkey);
    const verified = await verifyCoseReceipt({
      receipt: formatCoseReceipt({ signedRoot, index: 0, size: 1, proof: [] }),
      leafHash: hashLeaf(Uint8Array.of(1)),
      key: { algorithm: 'ed25519', publicKey },
      verifySignature,
    });
    expect(verified).toMatchObject({ issuer: ORIGIN, root });
  });

  it.each<[string, () => Promise<string>, string]>([
    ['nobody who is known has signed', () => head(other), 'NOTE_UNSIGNED'],
    ['is of another log', () => head(noteSigner('other.test'), 'other.test'), 'CHECKPOINT_ORIGIN'],
    [
      'says another root',
      async () => (await head(own)).replace(/\n1\n.*\n/, `\n1\n${'A'.repeat(43)}=\n`),
      'NOTE_SIGNATURE',
    ],
    [
      'says another size',
      async () => (await head(own)).replace('\n1\n', '\n2\n'),
      'NOTE_SIGNATURE',
    ],
    ['is none', () => Promise.resolve('a head, please'), 'NOTE_MALFORMED'],
  ])('and not where it %s', async (_, note, code) => {
    const asked: Uint8Array[] = [];
    const spied = {
      ...own,
      sign: (message: Uint8Array) => {
        asked.push(message);
        return own.sign(message);
      },
    };
    await expect(signing({ signers: [spied] }).sign(await note())).rejects.toMatchObject({ code });
    expect(asked).toEqual([]);
  });

  it('and not where only a key has, that whoever writes the entries has put among those of the log', async () => {
    const keyEntries: RootSignerOptions['keyEntries'] = () =>
      Promise.resolve([
        { index: 0, bytes: utf8(change({ kind: 'log-key-added', vkey: other.vkey })) },
      ]);
    const forged = await signNote(formatCheckpoint({ origin: ORIGIN, size: 2, root }), [other]);
    const refused = signing({ keyEntries }).sign(forged);
    await expect(refused).rejects.toMatchObject({ code: 'NOTE_UNSIGNED' });
  });

  it('and not by a key that is none of the log', async () => {
    const refused = signing({ signers: [other] }).sign(await head(own));
    await expect(refused).rejects.toMatchObject({ code: 'SIGNING_KEY_NOT_VALID_AT' });
  });
});
