import { beforeAll, describe, expect, it } from 'vitest';
import {
  MemoryTree,
  consistencyProof,
  emptyRoot,
  formatCheckpoint,
  formatWitnessRequest,
  hashLeaf,
  judgeWitnessRequest,
  originHash,
  parseVerifierKey,
  parseWitnessRequest,
  signNote,
} from '../src/index.ts';
import type { WitnessAnswer, WitnessedLog } from '../src/index.ts';
import { cosignerOf, ed25519Key, signerOf, verifySignature } from './node-keys.ts';
import { refusalOf } from './refusal.ts';
import { checkpoints, entryAt, witness } from './vectors.ts';

const own = parseVerifierKey(witness.log_vkey);
const origin = own.name;
const fresh: WitnessedLog = {
  origin,
  verifiers: [own],
  verifySignature,
  size: 0,
  root: emptyRoot(),
};
const signer = signerOf(origin, ed25519Key(1));
const tree = new MemoryTree();

beforeAll(() => {
  while (tree.size < 20) tree.append(hashLeaf(entryAt(tree.size)));
});

/** What a witness does with an answer: it keeps the head that it cosigns. */
function afterwards(log: WitnessedLog, answer: WitnessAnswer): WitnessedLog {
  if (answer.status !== 200) return log;
  const { size, root } = answer.checkpoint;
  return { ...log, size, root };
}

function checkpointOf(size: number, root = tree.root(size)): Promise<string> {
  return signNote(formatCheckpoint({ origin, size, root }), [signer]);
}

async function requestOf(from: number, to: number): Promise<string> {
  const proof = consistencyProof(from, to, tree.node);
  return formatWitnessRequest({ oldSize: from, proof, checkpoint: await checkpointOf(to) });
}

function holding(size: number): WitnessedLog {
  return { ...fresh, size, root: tree.root(size) };
}

describe('requests to a witness', () => {
  it('are answered as in the vectors, in order', async () => {
    let log = fresh;
    for (const { body, status, response, why } of witness.steps) {
      const answer = await judgeWitnessRequest(body, log);
      expect(answer.status, why).toBe(status);
      if (answer.status === 409) expect(`${answer.size}\n`, why).toBe(response);
      log = afterwards(log, answer);
    }
    expect(log.size).toBe(257);
    expect(witness.steps).toHaveLength(11);
  });

  it('are written as they were read', () => {
    for (const { body } of witness.steps) {
      expect(formatWitnessRequest(parseWitnessRequest(body))).toBe(body);
    }
  });

  it('name the log in a URL by the hash of its origin', () => {
    expect(originHash(origin)).toBe(witness.origin_hash);
    expect(originHash(`${origin}/`)).not.toBe(witness.origin_hash);
  });

  it('of our own are accepted, for every pair of sizes', async () => {
    for (let to = 0; to <= 20; to += 1) {
      for (const from of [0, Math.floor(to / 2), to]) {
        const answer = await judgeWitnessRequest(await requestOf(from, to), holding(from));
        expect(answer.status, `${from} to ${to}`).toBe(200);
      }
    }
  });

  it('bring the checkpoint, with all its signers', async () => {
    const answer = await judgeWitnessRequest(await requestOf(7, 20), holding(7));
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    expect(answer.checkpoint).toMatchObject({ origin, size: 20, root: tree.root(20) });
    expect(answer.checkpoint.signers.map(({ name }) => name)).toEqual([origin]);
  });

  const good = witness.steps[1]?.body ?? '';
  const hashLine = good.split('\n')[1] ?? '';
  const malformed: [string, string][] = [
    ['nothing', ''],
    ['no blank line', good.replaceAll('\n\n', '\n')],
    ['no checkpoint', good.slice(0, good.indexOf('\n\n') + 2)],
    ['no old size', good.slice(good.indexOf('\n') + 1)],
    ['another word', good.replace('old 7', 'Old 7')],
    ['two spaces', good.replace('old 7', 'old  7')],
    ['an old size with a leading zero', good.replace('old 7', 'old 07')],
    ['an old size with a sign', good.replace('old 7', 'old +7')],
    ['an old size below zero', good.replace('old 7', 'old -7')],
    ['an old size above 2^53-1', good.replace('old 7', 'old 9007199254740992')],
    ['no number', good.replace('old 7', 'old ')],
    ['a space at the end', good.replace('old 7', 'old 7 ')],
    ['the old size after the proof', good.replace(/(old 7)\n(.*)\n/, '$2\n$1\n')],
    ['a hash of 31 bytes', good.replace(hashLine, `${'A'.repeat(42)}==`)],
    ['a hash with stray bits', good.replace(hashLine, `${'A'.repeat(42)}B=`)],
    ['a hash that is no base64', good.replace(hashLine, '!')],
    ['64 hashes', good.replace(hashLine, Array(59).fill(hashLine).join('\n'))],
    ['carriage returns', good.replaceAll('\n', '\r\n')],
  ];

  it.each(malformed)('are read strictly: %s', async (_why, body) => {
    expect(refusalOf(() => parseWitnessRequest(good))).toBeUndefined();
    expect(refusalOf(() => parseWitnessRequest(body))).toBe('WITNESS_REQUEST');
    expect(await judgeWitnessRequest(body, holding(7))).toMatchObject({
      status: 400,
      reason: { code: 'WITNESS_REQUEST' },
    });
  });

  it('hold up to 63 hashes', () => {
    const body = good.replace(hashLine, Array(58).fill(hashLine).join('\n'));
    expect(parseWitnessRequest(body).proof).toHaveLength(63);
  });

  it.each([
    ['a size below zero', { oldSize: -1 }],
    ['half a size', { oldSize: 0.5 }],
    ['a size above 2^53-1', { oldSize: 2 ** 53 }],
    ['a hash of 31 bytes', { proof: [new Uint8Array(31)] }],
    ['64 hashes', { proof: Array.from({ length: 64 }, () => new Uint8Array(32)) }],
    ['no checkpoint', { checkpoint: '' }],
  ])('are not written with %s', (_why, changes) => {
    const request = { ...parseWitnessRequest(good), ...changes };
    expect(refusalOf(() => formatWitnessRequest(request))).toBe('WITNESS_REQUEST');
  });
});

describe('a witness refuses', () => {
  const { checkpoint } = checkpoints.cosigned;

  async function statusOf(body: string, log: WitnessedLog): Promise<[number, string | undefined]> {
    const answer = await judgeWitnessRequest(body, log);
    return [answer.status, 'reason' in answer ? answer.reason.code : undefined];
  }

  function asking(note: string, oldSize = 0, proof: Uint8Array[] = []): string {
    return formatWitnessRequest({ oldSize, proof, checkpoint: note });
  }

  it.each([
    ['no note', 'hello\n', 'NOTE_MALFORMED'],
    [
      'a note with a signature that is none',
      checkpoint.replace(/\u2014 .*/, '\u2014 a b'),
      'NOTE_MALFORMED',
    ],
    [
      'a checkpoint without its root',
      checkpoint.replace(/\n[^\n]*\n\n/, '\n\n'),
      'CHECKPOINT_FORMAT',
    ],
  ])('%s: 400', async (_why, note, code) => {
    expect(await statusOf(asking(note), fresh)).toEqual([400, code]);
  });

  it('a size of 0 with another root: 400', async () => {
    const note = (await checkpointOf(7)).replace('\n7\n', '\n0\n');
    expect(await statusOf(asking(note), fresh)).toEqual([400, 'CHECKPOINT_FORMAT']);
  });

  it('another log before it looks at keys: 404', async () => {
    const log = { ...fresh, origin: 'other.example/log' };
    expect(await statusOf(await requestOf(0, 7), log)).toEqual([404, 'CHECKPOINT_ORIGIN']);
  });

  it('a checkpoint whose text was changed: 403', async () => {
    const note = (await checkpointOf(7)).replace('\n7\n', '\n8\n');
    expect(await statusOf(asking(note), fresh)).toEqual([403, 'NOTE_SIGNATURE']);
  });

  it('the log signed by another key, of its name or of another: 403', async () => {
    const text = formatCheckpoint({ origin, size: 7, root: tree.root(7) });
    const same = signerOf(origin, ed25519Key(9));
    const other = signerOf('other.example/log', ed25519Key(9));
    const log = { ...fresh, verifiers: [own, parseVerifierKey(other.vkey)] };
    expect(await statusOf(asking(await signNote(text, [same])), log)).toEqual([
      403,
      'NOTE_UNSIGNED',
    ]);
    expect(await statusOf(asking(await signNote(text, [other])), log)).toEqual([
      403,
      'CHECKPOINT_ORIGIN',
    ]);
  });

  it("a cosignature in place of the log's signature: 403", async () => {
    const text = formatCheckpoint({ origin, size: 7, root: tree.root(7) });
    const cosigner = cosignerOf(origin, ed25519Key(3));
    const log = { ...fresh, verifiers: [cosigner.verifier] };
    expect(await statusOf(asking(`${text}\n${cosigner.cosign(text)}`), log)).toEqual([
      403,
      'NOTE_UNSIGNED',
    ]);
  });

  it('an old size above that of the checkpoint, before one that it does not hold: 400', async () => {
    const note = await checkpointOf(7);
    for (const log of [fresh, holding(8), holding(20)]) {
      expect(await statusOf(asking(note, 8), log)).toEqual([400, 'WITNESS_REQUEST']);
    }
  });

  it('an old size that it does not hold, before it looks at the proof: 409', async () => {
    const note = await checkpointOf(20);
    for (const oldSize of [0, 6, 8, 20]) {
      expect(await judgeWitnessRequest(asking(note, oldSize), holding(7))).toEqual({
        status: 409,
        size: 7,
      });
    }
  });

  it('a checkpoint below the one that it holds, under every old size: 409', async () => {
    const note = await checkpointOf(7);
    for (const oldSize of [0, 6, 7]) {
      expect(await judgeWitnessRequest(asking(note, oldSize), holding(20))).toEqual({
        status: 409,
        size: 20,
      });
    }
  });

  it('a proof with a hash changed, missing or surplus: 422', async () => {
    const note = await checkpointOf(20);
    const proof = consistencyProof(7, 20, tree.node);
    const changed = proof.map((hash, at) => (at === 0 ? hash.map((byte) => byte ^ 1) : hash));
    expect(await statusOf(asking(note, 7, proof), holding(7))).toEqual([200, undefined]);
    const wrong: [Uint8Array[], string][] = [
      [changed, 'PROOF_ROOT'],
      [proof.slice(1), 'PROOF_LENGTH'],
      [[...proof, tree.root()], 'PROOF_LENGTH'],
      [[], 'PROOF_LENGTH'],
    ];
    for (const [given, code] of wrong) {
      expect(await statusOf(asking(note, 7, given), holding(7))).toEqual([422, code]);
    }
  });

  it('a proof where none is due: 422', async () => {
    const proof = [tree.root()];
    expect(await statusOf(asking(await checkpointOf(7), 0, proof), fresh)).toEqual([
      422,
      'PROOF_LENGTH',
    ]);
    expect(await statusOf(asking(await checkpointOf(7), 7, proof), holding(7))).toEqual([
      422,
      'PROOF_LENGTH',
    ]);
  });

  it('a second history that the log has signed: 422', async () => {
    const forged = new MemoryTree();
    for (let index = 0; index < 20; index += 1) {
      forged.append(hashLeaf(entryAt(index === 2 ? 99 : index)));
    }
    const proof = consistencyProof(7, 20, forged.node);
    const longer = asking(await checkpointOf(20, forged.root()), 7, proof);
    expect(await statusOf(longer, holding(7))).toEqual([422, 'PROOF_ROOT']);
    const same = asking(await checkpointOf(20, forged.root()), 20);
    expect(await statusOf(same, holding(20))).toEqual([422, 'PROOF_ROOT']);
  });

  it('nothing when it cannot decide: it throws', async () => {
    const body = await requestOf(0, 7);
    const broken = (): never => {
      throw new RangeError('no verifier');
    };
    await expect(judgeWitnessRequest(body, { ...fresh, verifySignature: broken })).rejects.toThrow(
      RangeError,
    );
    // Two keys of one name and id, of which nobody can tell whose signature is whose.
    const twin = { ...own, vkey: `${own.vkey}x` };
    await expect(
      judgeWitnessRequest(body, { ...fresh, verifiers: [own, twin] }),
    ).rejects.toMatchObject({ code: 'VKEY_FORMAT' });
  });
});
