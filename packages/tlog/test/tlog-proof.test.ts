import { describe, expect, it } from 'vitest';
import {
  MemoryTree,
  formatCheckpoint,
  formatTlogProof,
  hashLeaf,
  inclusionProof,
  parseNote,
  parseTlogProof,
  parseVerifierKey,
  signNote,
  verifyTlogProof,
} from '../src/index.ts';
import type { TlogProofTrust, VerifiedTlogProof } from '../src/index.ts';
import { cosignerOf, ed25519Key, signerOf, verifySignature } from './node-keys.ts';
import { refusalOf, refusalOfAsync } from './refusal.ts';
import { checkpoints, entryAt, tlogProofs } from './vectors.ts';

const { origin } = checkpoints;
const own = parseVerifierKey(tlogProofs.log_vkey);
const witness = parseVerifierKey(tlogProofs.witness_vkey);
const [, , withExtra] = tlogProofs.proofs;

function leafOf(entryHex: string): Uint8Array {
  return hashLeaf(new Uint8Array(Buffer.from(entryHex, 'hex')));
}

function verify(
  vector: { file: string; entry_hex: string },
  changes: Partial<TlogProofTrust> = {},
): Promise<VerifiedTlogProof> {
  return verifyTlogProof({
    text: vector.file,
    leafHash: leafOf(vector.entry_hex),
    origin,
    verifiers: [own],
    verifySignature,
    witnesses: { verifiers: [witness], quorum: 1 },
    ...changes,
  });
}

describe('receipts', () => {
  it.each(tlogProofs.proofs)('verify: index $index of $size', async (vector) => {
    const verified = await verify(vector);
    expect(verified).toMatchObject({ index: vector.index, size: vector.size });
    expect(verified.root).toEqual(verified.checkpoint.root);
    expect(verified.cosignatures.map(({ time }) => time)).toEqual([checkpoints.timestamp]);
    expect(formatTlogProof(parseTlogProof(vector.file))).toBe(vector.file);
  });

  it.each(tlogProofs.must_refuse)('are refused: $why', async (vector) => {
    expect(await refusalOfAsync(() => verify(vector))).toBe(expectedCode(vector.why));
  });

  it('need no witness when none is asked for', async () => {
    const vector = tlogProofs.must_refuse.find(({ why }) => why.startsWith('witness line'));
    if (vector === undefined) throw new Error('no such vector');
    const { witnesses, ...alone } = trustOf(vector);
    expect(witnesses?.quorum).toBe(1);
    const verified = await verifyTlogProof(alone);
    expect(verified.cosignatures).toEqual([]);
  });

  it('keep extra data', () => {
    const { extra } = parseTlogProof(withExtra?.file ?? '');
    expect(Buffer.from(extra ?? []).toString()).toBe('extra is not authenticated');
  });

  it('count a witness once, whatever it calls itself', async () => {
    const [vector] = tlogProofs.proofs;
    if (vector === undefined) throw new Error('no such vector');
    const renamed = cosignerOf('witness.example/alias', ed25519Key(3));
    const another = cosignerOf('witness.example/another', ed25519Key(5));
    const body = parseNote(parseTlogProof(vector.file).checkpoint).text;
    const file = vector.file + renamed.cosign(body) + another.cosign(body);
    const refusal = (quorum: number): Promise<string | undefined> =>
      refusalOfAsync(() =>
        verify(
          { ...vector, file },
          { witnesses: { verifiers: [witness, renamed.verifier, another.verifier], quorum } },
        ),
      );
    expect(await refusal(2)).toBeUndefined();
    expect(await refusal(3)).toBe('WITNESS_QUORUM');
  });

  it('count neither the log itself nor a witness that was not asked for', async () => {
    const [vector] = tlogProofs.proofs;
    if (vector === undefined) throw new Error('no such vector');
    const verifiers = [own, witness];
    for (const asked of [[own], []]) {
      const witnesses = { verifiers: asked, quorum: 1 };
      expect(await refusalOfAsync(() => verify(vector, { verifiers, witnesses }))).toBe(
        'WITNESS_QUORUM',
      );
    }
  });

  it.each([Number.NaN, -1, 0.5])('are refused for a quorum of %d', async (quorum) => {
    const [vector] = tlogProofs.proofs;
    if (vector === undefined) throw new Error('no such vector');
    const witnesses = { verifiers: [witness], quorum };
    expect(await refusalOfAsync(() => verify(vector, { witnesses }))).toBe('WITNESS_QUORUM');
  });

  it('are refused for another origin, or another key', async () => {
    const [vector] = tlogProofs.proofs;
    if (vector === undefined) throw new Error('no such vector');
    const other = parseVerifierKey(signerOf(origin, ed25519Key(9)).vkey);
    expect(await refusalOfAsync(() => verify(vector, { origin: 'other.example' }))).toBe(
      'CHECKPOINT_ORIGIN',
    );
    expect(await refusalOfAsync(() => verify(vector, { verifiers: [other] }))).toBe(
      'NOTE_UNSIGNED',
    );
  });

  it('are made for every entry of a log', async () => {
    const tree = new MemoryTree();
    for (let index = 0; index < 21; index += 1) tree.append(hashLeaf(entryAt(index)));
    const text = formatCheckpoint({ origin, size: tree.size, root: tree.root() });
    const signer = signerOf(origin, ed25519Key(1));
    const checkpoint = await signNote(text, [signer]);
    for (let index = 0; index < tree.size; index += 1) {
      const proof = inclusionProof(index, tree.size, tree.node);
      const verified = await verifyTlogProof({
        text: formatTlogProof({ index, proof, checkpoint }),
        leafHash: hashLeaf(entryAt(index)),
        origin,
        verifiers: [own],
        verifySignature,
      });
      expect(verified.index).toBe(index);
    }
  });

  const good = withExtra?.file ?? '';
  const hashLine = good.split('\n')[3] ?? '';
  it.each([
    ['empty', ''],
    ['no checkpoint', good.slice(0, good.indexOf('\n\n') + 2)],
    ['no blank line', good.replaceAll('\n\n', '\n')],
    ['another version', good.replace('@v1', '@v2')],
    ['no index', good.replace('index 4\n', '')],
    ['an index with a leading zero', good.replace('index 4', 'index 04')],
    ['an index with a sign', good.replace('index 4', 'index +4')],
    ['an index above 2^53-1', good.replace('index 4', 'index 9007199254740992')],
    ['extra after the index', good.replace(/(extra .*)\n(index 4)/, '$2\n$1')],
    ['extra twice', good.replace(/(extra .*)\n/, '$1\n$1\n')],
    ['extra that is empty', good.replace(/extra .*/, 'extra ')],
    ['extra that is no base64', good.replace(/extra .*/, 'extra !')],
    ['a hash of 31 bytes', good.replace(hashLine, `${'A'.repeat(42)}==`)],
    ['a hash with stray bits', good.replace(hashLine, `${'A'.repeat(42)}B=`)],
    ['extra above its bound', good.replace(/extra .*/, `extra ${'AAAA'.repeat(21_846)}`)],
    ['64 hashes', good.replace(hashLine, Array(60).fill(hashLine).join('\n'))],
    ['carriage returns', good.replaceAll('\n', '\r\n')],
  ])('are read strictly: %s', (_why, text) => {
    expect(refusalOf(() => parseTlogProof(good))).toBeUndefined();
    expect(refusalOf(() => parseTlogProof(text))).toBe('TLOG_PROOF_FORMAT');
  });

  it.each([
    ['an index below zero', { index: -1 }],
    ['half an index', { index: 0.5 }],
    ['a hash of 31 bytes', { proof: [new Uint8Array(31)] }],
    ['no checkpoint', { checkpoint: '' }],
    ['empty extra data', { extra: new Uint8Array(0) }],
    ['too much extra data', { extra: new Uint8Array(65_537) }],
  ])('are not written with %s', (_why, changes) => {
    const parts = { ...parseTlogProof(good), ...changes };
    expect(refusalOf(() => formatTlogProof(parts))).toBe('TLOG_PROOF_FORMAT');
  });
});

function trustOf(vector: { file: string; entry_hex: string }): TlogProofTrust {
  return {
    text: vector.file,
    leafHash: leafOf(vector.entry_hex),
    origin,
    verifiers: [own],
    verifySignature,
    witnesses: { verifiers: [witness], quorum: 1 },
  };
}

function expectedCode(why: string): string {
  if (why === 'header missing') return 'TLOG_PROOF_FORMAT';
  if (why === 'a proof line dropped') return 'PROOF_LENGTH';
  if (why.startsWith('witness line dropped')) return 'WITNESS_QUORUM';
  return why === 'checkpoint size changed' ? 'NOTE_SIGNATURE' : 'PROOF_ROOT';
}
