import { describe, expect, it } from 'vitest';
import {
  KeyHistory,
  formatCheckpoint,
  keyIds,
  openCheckpointAt,
  parseVerifierKey,
  signNote,
} from '../src/index.ts';
import { ed25519Key, signerOf, verifySignature } from './node-keys.ts';

const ORIGIN = 'example.com/log';
const [first, second, third] = [1, 2, 3].map((seed) => signerOf(ORIGIN, ed25519Key(seed)));
if (first === undefined || second === undefined || third === undefined) {
  throw new Error('expected three signers');
}
const idOf = (vkey: string): string => parseVerifierKey(vkey).keyIdHex;

/** The first key up to size 9, the second from size 6 on. */
const keys = KeyHistory.founding([first.vkey]).with(second.vkey, 5).without(idOf(first.vkey), 9);

function valid(size: number, knownAt?: number): readonly string[] {
  return keys.validAt(size, knownAt).map(({ vkey }) => vkey);
}

describe('the keys of a log over its sizes', () => {
  it('begin with the first size that holds the entry which adds them, and end before the one that holds its removal', () => {
    expect(valid(0)).toEqual([first.vkey]);
    expect(valid(5)).toEqual([first.vkey]);
    expect(valid(6)).toEqual([first.vkey, second.vkey]);
    expect(valid(9)).toEqual([first.vkey, second.vkey]);
    expect(valid(10)).toEqual([second.vkey]);
  });

  it('are those alone that were known at a size, when one is given', () => {
    expect(valid(7, 5)).toEqual([first.vkey]);
    expect(valid(7, 6)).toEqual([first.vkey, second.vkey]);
    expect(valid(12, 5)).toEqual([]);
    expect(valid(3, 8)).toEqual([first.vkey]);
  });

  it('are the same when they are restored from their spans', () => {
    expect(KeyHistory.of(keys.spans).spans).toEqual(keys.spans);
    expect(keys.spans).toEqual([
      { vkey: first.vkey, from: 0, until: 9 },
      { vkey: second.vkey, from: 6, until: null },
    ]);
  });

  it('change nothing in the history that they are taken from', () => {
    const founding = KeyHistory.founding([first.vkey]);
    founding.without(idOf(first.vkey), 3);
    expect(founding.spans).toEqual([{ vkey: first.vkey, from: 0, until: null }]);
    expect(founding.without('00000000', 3).spans).toEqual(founding.spans);
  });
});

describe('openCheckpointAt', () => {
  const note = (size: number, ...signers: (typeof first)[]): Promise<string> =>
    signNote(formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32).fill(1) }), signers);

  async function outcome(made: Promise<string>, knownAt?: number): Promise<unknown> {
    const trust = {
      origin: ORIGIN,
      keys,
      verifySignature,
      ...(knownAt !== undefined && { knownAt }),
    };
    return openCheckpointAt(await made, trust).then(
      ({ size }) => size,
      (error: unknown) => (error as { code: unknown }).code,
    );
  }

  it.each([
    [5, [first], 5],
    [5, [second], 'SIGNING_KEY_NOT_VALID_AT'],
    [6, [second], 6],
    [9, [first], 9],
    [10, [first], 'SIGNING_KEY_NOT_VALID_AT'],
    [10, [first, second], 10],
    [10, [third], 'NOTE_UNSIGNED'],
    [10, [third, first], 'SIGNING_KEY_NOT_VALID_AT'],
  ])('of size %i', async (size, signers, expected) => {
    expect(await outcome(note(size, ...signers))).toBe(expected);
  });

  it('does not count a key that was not known yet', async () => {
    expect(await outcome(note(6, second), 5)).toBe('SIGNING_KEY_NOT_VALID_AT');
    expect(await outcome(note(6, first, second), 5)).toBe(6);
  });

  it('says which key it expects', async () => {
    const trust = { origin: ORIGIN, keys, verifySignature };
    await expect(openCheckpointAt(await note(10, first), trust)).rejects.toThrow(
      `size 10: expected a signature by ${idOf(second.vkey)}, got one by ${idOf(first.vkey)}`,
    );
    expect(keyIds([])).toBe('no key');
  });
});
