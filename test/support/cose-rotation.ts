import { fromUtf8, utf8 } from '@countersign/canonical';
import { verifyCoseReceipt } from '@countersign/cose-receipt';
import { verifySignature } from '@countersign/crypto-node';
import { hashLeaf, parseVerifierKey, type NoteSigner } from '@countersign/tlog';
import { expect } from 'vitest';
import { READ_TOKEN, type HttpLedger } from './http-ledger.ts';
import { expectRotation, signedHeads } from './log-key-rotation.ts';
import type { ScittCose } from './scitt-cose.ts';

const ALGORITHMS = { 1: 'ed25519', 2: 'ecdsa-p256-sha256' } as const;

interface Receipt {
  readonly receipt: Uint8Array;
  readonly entry: string;
  readonly index: number;
  readonly size: number;
}

/**
 * COSE receipts over a rotation of the log's key: those from before verify under the old key for ever and under no other, those of the
 * overlap and after under the new one, and none is made any more at a size that the new key may not sign.
 */
export async function expectCoseRotation(
  http: HttpLedger,
  newKey: NoteSigner,
  judge: ScittCose,
): Promise<void> {
  const { ledger } = http;
  const oldKey = ledger.signer;
  await ledger.bind();
  const sizeBefore = await headSize(http);
  const before = await receiptsAt(http, sizeBefore);
  await expectRotation(ledger, newKey);
  await http.hangUp();
  await http.listen();
  const overlap = (await signedHeads(ledger)).filter(({ keys }) => keys.length === 2);
  const sizes = [...overlap.slice(0, 1).map(({ size }) => size), await headSize(http)];
  expect(sizes).toHaveLength(2);
  const after = (await Promise.all(sizes.map((size) => receiptsAt(http, size)))).flat();
  expect(after.length).toBeGreaterThan(before.length);
  for (const [key, own, others] of [
    [oldKey, before, after],
    [newKey, after, before],
  ] as const) {
    const judged = judge.judge(key.vkey, own);
    for (const [at, receipt] of own.entries()) {
      const { index, size } = receipt;
      expect(judged[at]).toMatchObject({ ok: true, leaf_index: index, tree_size: size });
      await expect(verified(receipt, key)).resolves.toMatchObject({
        keyId: parseVerifierKey(key.vkey).keyId,
      });
    }
    expect(judge.judge(key.vkey, others).filter(({ ok }) => ok)).toEqual([]);
    for (const other of others) {
      await expect(verified(other, key)).rejects.toMatchObject({
        code: expect.stringMatching(/^RECEIPT_(SIGNATURE|ALGORITHM)$/) as string,
      });
    }
  }
  const late = await answerTo(http, `index=0&size=${sizeBefore}`);
  expect(await late.json()).toMatchObject({ status: 409, code: 'SIGNING_KEY_NOT_VALID_AT' });
}

function verified({ receipt, entry, index, size }: Receipt, key: NoteSigner): Promise<unknown> {
  const { publicKey, type } = parseVerifierKey(key.vkey);
  if (type === 4) throw new Error('expected the key of a log');
  return verifyCoseReceipt({
    ...{ receipt, leafHash: hashLeaf(utf8(entry)), place: { index, size } },
    ...{ key: { algorithm: ALGORITHMS[type], publicKey }, verifySignature },
  });
}

/** On a connection of its own: the gateway starts again meanwhile. */
function answerTo(http: HttpLedger, query: string): Promise<Response> {
  const headers = { authorization: `Bearer ${READ_TOKEN}`, connection: 'close' };
  return fetch(`${http.url}/v1/log/cose-receipt?${query}`, { headers });
}

async function headSize({ ledger: { store } }: HttpLedger): Promise<number> {
  return (await store.checkpoint())?.size ?? 0;
}

/** Of the first and the last entry under a head. */
async function receiptsAt(http: HttpLedger, size: number): Promise<Receipt[]> {
  const { store } = http.ledger;
  const rows = [...(await store.entries(0, 1)), ...(await store.entries(size - 1, 1))];
  return Promise.all(
    rows.map(async ({ index, bytes }) => {
      const answer = await answerTo(http, `index=${index}&size=${size}`);
      expect([size, index, answer.status]).toEqual([size, index, 200]);
      const receipt = new Uint8Array(await answer.arrayBuffer());
      return { receipt, entry: fromUtf8(bytes), index, size };
    }),
  );
}
