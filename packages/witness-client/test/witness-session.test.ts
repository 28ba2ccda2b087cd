import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import {
  MemoryTree,
  consistencyProof,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  signNote,
  type NoteSigner,
  type VerifySignature,
} from '@countersign/tlog';
import { WitnessSession, type OfferedHead, type OfferOutcome } from '@countersign/witness-client';
import { FakeWitness, type FakeAnswer } from '@countersign/witness-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ORIGIN = 'ledger.test/witnessed';
const NEVER = new AbortController().signal;

const verifySignature: VerifySignature = ({ publicKey, message, signature }) => {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
};

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer: NoteSigner = {
  name: ORIGIN,
  vkey: formatVerifierKey({
    name: ORIGIN,
    algorithm: 'ed25519',
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
  }),
  sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))),
};

let nowMs: number;
let witness: FakeWitness;

beforeEach(async () => {
  nowMs = 1_800_000_000_000;
  const log = { origin: ORIGIN, vkeys: [signer.vkey], verifySignature };
  witness = await FakeWitness.start('witness.test/w', log, () => nowMs);
});

afterEach(async () => {
  await witness.stop();
});

function newSession(timeoutMs = 2_000): WitnessSession {
  const parts = { witness: witness.as('w'), verifySignature, nowMs: () => nowMs, timeoutMs };
  return new WitnessSession(parts);
}

function treeOf(size: number, word = 'entry'): MemoryTree {
  const tree = new MemoryTree();
  while (tree.size < size) tree.append(hashLeaf(Buffer.from(`${word} ${tree.size}`)));
  return tree;
}

async function headOf(tree: MemoryTree): Promise<OfferedHead> {
  const { size } = tree;
  const note = await signNote(formatCheckpoint({ origin: ORIGIN, size, root: tree.root() }), [
    signer,
  ]);
  return {
    size,
    note,
    proofFrom: (from) => Promise.resolve(consistencyProof(from, size, tree.node)),
  };
}

async function offered(session: WitnessSession, tree: MemoryTree): Promise<OfferOutcome> {
  return session.offer(await headOf(tree), NEVER);
}

/** A short word for an outcome. */
function wordOf(outcome: OfferOutcome): string {
  return outcome.kind === 'failed' ? outcome.code : outcome.kind;
}

describe('a witness that is asked', () => {
  it('cosigns each head that goes on from the one before, in one request each', async () => {
    const session = newSession();
    for (const size of [3, 4, 11]) {
      const outcome = await offered(session, treeOf(size));
      expect(outcome).toMatchObject({ kind: 'cosigned', cosignature: { time: nowMs / 1_000 } });
    }
    expect(witness.size).toBe(11);
    expect(witness.bodies.map((body) => body.split('\n')[0])).toEqual(['old 0', 'old 3', 'old 4']);
  });

  it('tells what it holds to who does not know, and cosigns what goes on from there', async () => {
    await offered(newSession(), treeOf(5));
    expect(wordOf(await offered(newSession(), treeOf(9)))).toBe('cosigned');
    expect(witness.bodies).toHaveLength(3);
  });

  it('cosigns the same head again', async () => {
    await offered(newSession(), treeOf(5));
    expect(wordOf(await offered(newSession(), treeOf(5)))).toBe('cosigned');
  });

  it('is asked at most once a second', async () => {
    const session = newSession();
    expect(session.isDue).toBe(true);
    await offered(session, treeOf(3));
    expect(session.isDue).toBe(false);
    nowMs += 1_000;
    expect(session.isDue).toBe(true);
  });

  it('G03: is ahead where it holds more than there is', async () => {
    await offered(newSession(), treeOf(9));
    expect(await offered(newSession(), treeOf(5))).toEqual({ kind: 'ahead', size: 9 });
  });

  it('G02: contradicts another log of the same key, of the same size or a larger one', async () => {
    await offered(newSession(), treeOf(5));
    const contradicted = { kind: 'contradicted', size: 5 };
    expect(await offered(newSession(), treeOf(5, 'forged'))).toEqual(contradicted);
    expect(await offered(newSession(), treeOf(8, 'forged'))).toEqual(contradicted);
  });
});

describe('a witness that does not do as it should', () => {
  const size = { 'content-type': 'text/x.tlog.size' };
  const cases: readonly [string, FakeAnswer, string][] = [
    ['does not know the log', { status: 404 }, 'WITNESS_LOG_UNKNOWN'],
    ['does not know its key', { status: 403 }, 'WITNESS_KEY_UNKNOWN'],
    ['has too much to do', { status: 429 }, 'WITNESS_BUSY'],
    ['fails', { status: 500 }, 'WITNESS_REFUSED'],
    ['is behind a proxy and away', { status: 502 }, 'WITNESS_AWAY'],
    ['sends us elsewhere', { status: 307, headers: { location: '/else' } }, 'WITNESS_AWAY'],
    ['refuses as no continuation what goes on from nothing', { status: 422 }, 'WITNESS_REFUSED'],
    ['holds what it was asked with', { status: 409, headers: size, text: '0\n' }, 'WITNESS_ANSWER'],
    ['holds no number', { status: 409, headers: size, text: 'many\n' }, 'WITNESS_ANSWER'],
    [
      'holds more than a number can be',
      { status: 409, headers: size, text: `${2 ** 53}\n` },
      'WITNESS_ANSWER',
    ],
    ['says so as something else', { status: 409, text: '3\n' }, 'WITNESS_ANSWER'],
    ['answers nothing', { status: 200, text: '' }, 'WITNESS_SIGNATURE'],
    ['answers no signature', { status: 200, text: '<html>' }, 'WITNESS_SIGNATURE'],
    [
      'answers more than anybody has to say',
      { status: 200, text: 'x'.repeat(20_000) },
      'WITNESS_ANSWER',
    ],
  ];

  it.each(cases)('%s', async (_, answer, code) => {
    witness.instead = () => answer;
    const session = newSession();
    expect(wordOf(await offered(session, treeOf(5)))).toBe(code);
    expect(session.failure).toBe(code);
  });

  it('tells another size each time', async () => {
    const sizes = [1, 2, 3];
    witness.instead = () => ({ status: 409, headers: size, text: `${sizes.shift() ?? 4}\n` });
    expect(wordOf(await offered(newSession(), treeOf(5)))).toBe('WITNESS_BUSY');
    expect(witness.bodies).toHaveLength(2);
  });

  it('has cosigned another head, or somebody else has', async () => {
    const another = (await headOf(treeOf(5, 'forged'))).note;
    witness.instead = () => ({ status: 200, text: witness.cosign(another) });
    expect(wordOf(await offered(newSession(), treeOf(5)))).toBe('WITNESS_SIGNATURE');
    const log = { origin: ORIGIN, vkeys: [signer.vkey], verifySignature };
    const stranger = await FakeWitness.start('witness.test/w', log);
    await stranger.stop();
    const { note } = await headOf(treeOf(5));
    witness.instead = () => ({ status: 200, text: stranger.cosign(note) });
    expect(wordOf(await offered(newSession(), treeOf(5)))).toBe('WITNESS_SIGNATURE');
  });

  it.each([
    [-61_000, 'WITNESS_CLOCK'],
    [-60_000, 'cosigned'],
    [60_000, 'cosigned'],
    [61_000, 'WITNESS_CLOCK'],
  ])('has a clock that is %i ms ahead: %s', async (aheadMs, word) => {
    witness.clockMs = aheadMs;
    expect(wordOf(await offered(newSession(), treeOf(5)))).toBe(word);
  });

  it('keeps its own line alone of those that it sends', async () => {
    const { note } = await headOf(treeOf(5));
    const own = witness.cosign(note);
    witness.instead = () => ({ status: 200, text: `\u2014 else AAAAAAAA\n${own}` });
    expect(await offered(newSession(), treeOf(5))).toMatchObject({ cosignature: { line: own } });
  });

  it('does not answer, or is not there: it is left alone for ever longer, up to a minute', async () => {
    witness.instead = () => undefined;
    const session = newSession(1_500);
    expect(wordOf(await offered(session, treeOf(5)))).toBe('WITNESS_AWAY');
    await witness.stop();
    const pauses: number[] = [];
    for (let times = 0; times < 8; times += 1) {
      const atMs = nowMs;
      while (!session.isDue) nowMs += 1_000;
      pauses.push(nowMs - atMs);
      expect(wordOf(await offered(session, treeOf(5)))).toBe('WITNESS_AWAY');
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
    witness.instead = undefined;
    await witness.resume();
    expect(wordOf(await offered(session, treeOf(5)))).toBe('cosigned');
    expect(session.failure).toBeUndefined();
  });

  it('is not waited for by who is told to stop', async () => {
    witness.instead = () => undefined;
    const stopping = new AbortController();
    const outcome = newSession(60_000).offer(await headOf(treeOf(5)), stopping.signal);
    stopping.abort();
    expect(wordOf(await outcome)).toBe('WITNESS_AWAY');
  });
});
