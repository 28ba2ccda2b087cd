import { utf8 } from '@countersign/canonical';
import { signRoot, verifyCoseReceipt, type VerifiedCoseReceipt } from '@countersign/cose-receipt';
import { verifySignature } from '@countersign/crypto-node';
import {
  SignerError,
  TlogError,
  hashLeaf,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
} from '@countersign/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { READ_TOKEN, GatewayBench } from './testing/gateway-bench.ts';
import { ORIGIN } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
let entries: readonly { index: number; text: string }[];
/** Notes whose roots were signed. */
let signed: string[] = [];

beforeAll(async () => {
  bench = await GatewayBench.start();
  for (let round = 0; round < 4; round += 1) await bench.request();
  const { body } = await bench.read('/v1/log/entries');
  entries = body['entries'] as unknown as typeof entries;
  const { signHeadRoot } = bench;
  bench.signHeadRoot = (note) => {
    signed.push(note);
    return signHeadRoot(note);
  };
});

afterAll(async () => {
  await bench.close();
});

async function receiptOf(query: string): Promise<Uint8Array> {
  const { statusCode, headers, rawPayload } = await bench.app.inject({
    url: `/v1/log/cose-receipt${query}`,
    headers: { host: 'localhost:7420', authorization: `Bearer ${READ_TOKEN}` },
  });
  expect([query, statusCode]).toEqual([query, 200]);
  expect(headers['content-type']).toBe('application/cose; cose-type="cose-sign1"');
  return new Uint8Array(rawPayload);
}

function verified(
  receipt: Uint8Array,
  { index, size }: { index: number; size: number },
): Promise<VerifiedCoseReceipt> {
  const { publicKey } = parseVerifierKey(bench.ledger.vkey);
  return verifyCoseReceipt({
    receipt,
    leafHash: hashLeaf(utf8(entries[index]?.text ?? '')),
    key: { algorithm: 'ed25519', publicKey },
    verifySignature,
    place: { index, size },
  });
}

describe('COSE receipts', () => {
  test('of every entry under every head hold, and their heads are signed once each', async () => {
    for (let size = 1; size <= entries.length; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const place = { index, size };
        const { issuer, keyId, root } = await verified(
          await receiptOf(`?index=${index}&size=${size}`),
          place,
        );
        expect([issuer, keyId]).toEqual([ORIGIN, parseVerifierKey(bench.ledger.vkey).keyId]);
        const { text } = await bench.read(`/v1/log/checkpoint?size=${size}`);
        expect(root).toEqual(parseCheckpoint(parseNote(text).text).root);
      }
    }
    const sizes = signed.map((note) => parseCheckpoint(parseNote(note).text).size);
    expect(sizes).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    ['?index=5', 400, 'INDEX_BEYOND_SIZE'],
    ['?index=0&size=6', 404, 'SIZE_BEYOND_LOG'],
    ['?index=x', 400, 'POSITION_INVALID'],
    ['', 400, 'SCHEMA_INVALID'],
  ])('%s is %i %s, and nothing is signed for it', async (query, status, code) => {
    signed = [];
    const sent = await bench.read(`/v1/log/cose-receipt${query}`);
    expect([sent.status, sent.body['code']]).toEqual([status, code]);
    expect(signed).toEqual([]);
  });

  test('wait for a signer that is away, and are asked for again', async () => {
    await bench.request();
    const { signHeadRoot } = bench;
    const refusals = [
      new SignerError('SIGNER_TIMEOUT', 'the key alias/secret-name'),
      new TlogError('SIGNING_KEY_NOT_VALID_AT', 'expected another key'),
    ];
    const codes: unknown[] = [];
    for (const refusal of refusals) {
      bench.signHeadRoot = () => Promise.reject(refusal);
      const { status, body, text } = await bench.read('/v1/log/cose-receipt?index=0');
      codes.push([status, body['code']]);
      expect(text).not.toContain('secret-name');
    }
    expect(codes).toEqual([
      [503, 'SIGNER_UNAVAILABLE'],
      [409, 'SIGNING_KEY_NOT_VALID_AT'],
    ]);
    bench.signHeadRoot = signHeadRoot;
    await verified(await receiptOf('?index=0'), { index: 0, size: 6 });
  });

  test('cost a bounded number of signatures, whoever asks for how many heads', async () => {
    const few = await GatewayBench.start({ limits: { coseRootsPerMinute: 2 } });
    try {
      for (let round = 0; round < 3; round += 1) await few.request();
      const code = async (size: number): Promise<unknown> =>
        (await few.read(`/v1/log/cose-receipt?index=0&size=${size}`)).body['code'];
      expect([await code(1), await code(2)]).toEqual([undefined, undefined]);
      expect(await code(3)).toBe('RATE_LIMITED');
      expect(await code(1)).toBeUndefined();
    } finally {
      await few.close();
    }
  });

  test('are none where no key of the log is', async () => {
    const keyless = await GatewayBench.start({}, { isSigning: false });
    try {
      const { status, body } = await keyless.read('/v1/log/cose-receipt?index=0');
      expect([status, body['code']]).toEqual([501, 'COSE_NOT_SIGNED']);
    } finally {
      await keyless.close();
    }
  });

  test('say nothing about a root that another key has signed', async () => {
    const { signer } = (await GatewayBench.start()).ledger;
    const { text } = await bench.read('/v1/log/checkpoint?size=1');
    const { signature } = await signRoot(parseCheckpoint(parseNote(text).text).root, signer);
    const receipt = await receiptOf('?index=0&size=1');
    receipt.set(signature, receipt.length - signature.length);
    await expect(verified(receipt, { index: 0, size: 1 })).rejects.toMatchObject({
      code: 'RECEIPT_SIGNATURE',
    });
  });
});
