import { describe, expect, it } from 'vitest';
import {
  emptyRoot,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  parseVerifierKey,
  signNote,
} from '../src/index.ts';
import type { OpenedCheckpoint } from '../src/index.ts';
import { ed25519Key, signerOf, verifySignature } from './node-keys.ts';
import { refusalOf, refusalOfAsync } from './refusal.ts';
import { checkpoints, fromBase64, merkle, notes } from './vectors.ts';

const { origin } = checkpoints;
const own = parseVerifierKey(notes.keys.ed25519.vkey);
const witness = parseVerifierKey(notes.keys.cosigner_ed25519.vkey);
const stricter = ['empty origin', 'base64 with non-zero trailing bits'];
const root = fromBase64(merkle.roots[7]?.root ?? '');

function open(note: string, verifiers = [own], expected = origin): Promise<OpenedCheckpoint> {
  return openCheckpoint(note, { origin: expected, verifiers, verifySignature });
}

describe('checkpoints', () => {
  it.each(checkpoints.checkpoints)('open: size $size', async ({ checkpoint, size }) => {
    const opened = await open(checkpoint);
    const expected = merkle.roots.find((vector) => vector.size === size);
    expect(opened.size).toBe(size);
    expect(opened.root).toEqual(fromBase64(expected?.root ?? ''));
    expect(opened.note).toBe(checkpoint);
    expect(opened.signers.map(({ name }) => name)).toEqual([origin]);
    expect(checkpoint.startsWith(`${formatCheckpoint(opened)}\n`)).toBe(true);
  });

  it.each(checkpoints.parse)('are read strictly: $why', ({ text, torchwood_ok: isOk, why }) => {
    const code = refusalOf(() => parseCheckpoint(text));
    const isExpected = isOk && !stricter.includes(why);
    expect(code).toBe(isExpected ? undefined : 'CHECKPOINT_FORMAT');
  });

  it('keep their extension lines', () => {
    const text = `${formatCheckpoint({ origin, size: 7, root })}one\ntwo\n`;
    expect(refusalOf(() => parseCheckpoint(text.slice(0, -1)))).toBe('CHECKPOINT_FORMAT');
    expect(parseCheckpoint(text)).toEqual({ origin, size: 7, root, extensions: ['one', 'two'] });
  });

  it('have sizes up to 2^53-1 and no further', () => {
    const text = (size: string): string =>
      formatCheckpoint({ origin, size: 7, root }).replace('\n7\n', `\n${size}\n`);
    expect(parseCheckpoint(text('9007199254740991')).size).toBe(Number.MAX_SAFE_INTEGER);
    for (const size of ['9007199254740992', '7e3', '0x7', ' 7', '']) {
      expect(refusalOf(() => parseCheckpoint(text(size)))).toBe('CHECKPOINT_FORMAT');
    }
  });

  it('of an empty tree have the empty root', () => {
    expect(parseCheckpoint(formatCheckpoint({ origin, size: 0, root: emptyRoot() })).size).toBe(0);
    expect(refusalOf(() => formatCheckpoint({ origin, size: 0, root }))).toBe('CHECKPOINT_FORMAT');
  });

  it.each([
    ['an origin with a space', { origin: 'a b' }],
    ['an origin with a newline', { origin: 'a\n7' }],
    ['no origin', { origin: '' }],
    ['half a leaf', { size: 0.5 }],
    ['a size that no number holds exactly', { size: 2 ** 53 }],
    ['a root of 31 bytes', { root: root.subarray(1) }],
  ])('are not written with %s', (_why, changes) => {
    const head = { origin, size: 7, root, ...changes };
    expect(refusalOf(() => formatCheckpoint(head))).toBe('CHECKPOINT_FORMAT');
  });

  it('tell who has signed, witnesses too', async () => {
    const opened = await open(checkpoints.cosigned.checkpoint, [own, witness]);
    expect(opened.signers.map(({ name, time }) => [name, time])).toEqual([
      [origin, undefined],
      [witness.name, checkpoints.timestamp],
    ]);
  });

  it('are not opened for a witness alone', async () => {
    const { checkpoint } = checkpoints.cosigned;
    expect(await refusalOfAsync(() => open(checkpoint, [witness]))).toBe('NOTE_UNSIGNED');
  });

  it('are not opened as those of another log', async () => {
    const { checkpoint } = checkpoints.cosigned;
    const other = 'other.example/log';
    expect(await refusalOfAsync(() => open(checkpoint, [own], other))).toBe('CHECKPOINT_ORIGIN');
  });

  it('are not opened when another log has signed them under its own name', async () => {
    const signer = signerOf('other.example/log', ed25519Key(9));
    const note = await signNote(formatCheckpoint({ origin, size: 7, root }), [signer]);
    const verifiers = [parseVerifierKey(signer.vkey)];
    expect(await refusalOfAsync(() => open(note, verifiers, signer.name))).toBe(
      'CHECKPOINT_ORIGIN',
    );
  });

  it('are not opened for a trusted key of another name', async () => {
    const signer = signerOf('other.example/log', ed25519Key(9));
    const note = await signNote(formatCheckpoint({ origin, size: 7, root }), [signer]);
    const verifiers = [own, parseVerifierKey(signer.vkey)];
    expect(await refusalOfAsync(() => open(note, verifiers))).toBe('CHECKPOINT_ORIGIN');
    expect(await refusalOfAsync(() => open(note))).toBe('NOTE_UNSIGNED');
  });

  it('are not opened when a signed note is no checkpoint', async () => {
    const note = await signNote('hello\n', [signerOf(origin, ed25519Key(1))]);
    expect(await refusalOfAsync(() => open(note))).toBe('CHECKPOINT_FORMAT');
    expect(await refusalOfAsync(() => open('hello\n'))).toBe('NOTE_MALFORMED');
  });
});
