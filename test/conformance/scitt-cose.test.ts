import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signerOf } from '../../packages/tlog/test/node-keys.ts';
import { noteSigner } from '../support/note-key.ts';
import { expectCoseRotation } from '../support/cose-rotation.ts';
import { HttpLedger, READ_TOKEN } from '../support/http-ledger.ts';
import { ScittCose, type Asked } from '../support/scitt-cose.ts';

const scittCose = ScittCose.open();

const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

describe.each([
  ['Ed25519', {}],
  ['P-256', { openSigner: (origin: string) => Promise.resolve(signerOf(origin, P256)) }],
])('scitt-cose, on the receipts of a ledger with a key of %s,', (_, options) => {
  let http: HttpLedger;
  /** Of every entry under the first and the newest head. */
  let asked: readonly (Asked & { readonly index: number; readonly size: number })[];

  const receiptOf = async (index: number, size: number): Promise<Uint8Array> => {
    const url = `${http.url}/v1/log/cose-receipt?index=${index}&size=${size}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${READ_TOKEN}` } });
    expect([url, answer.status]).toEqual([url, 200]);
    return new Uint8Array(await answer.arrayBuffer());
  };

  beforeAll(async () => {
    http = await HttpLedger.start(options);
    for (let round = 0; round < 3; round += 1) await http.ledger.bind();
    const page = await http.reader().getObject('/v1/log/entries');
    const entries = page['entries'] as unknown as readonly { index: number; text: string }[];
    const places = [1, Number(page['size'])].flatMap((size) =>
      entries.slice(0, size).map(({ index, text }) => ({ index, size, entry: text })),
    );
    asked = await Promise.all(
      places.map(async (place) => ({
        ...place,
        receipt: await receiptOf(place.index, place.size),
      })),
    );
  }, 300_000);

  afterAll(async () => {
    await http.discard();
  });

  it('finds each of them good, for its own entry', () => {
    const judged = scittCose.judge(http.ledger.signer.vkey, asked);
    expect(asked.length).toBeGreaterThan(9);
    for (const [at, { index, size }] of asked.entries()) {
      expect(judged[at]).toMatchObject({
        ok: true,
        leaf_index: index,
        tree_size: size,
        issuer: http.ledger.origin,
      });
    }
  });

  it('finds none good for another entry, or under another key', () => {
    const others = asked.map((one) => ({ ...one, entry: `${one.entry} ` }));
    expect(scittCose.judge(http.ledger.signer.vkey, others).filter(({ ok }) => ok)).toEqual([]);
    const { privateKey } = generateKeyPairSync('ed25519');
    const { vkey } = signerOf(http.ledger.origin, privateKey);
    expect(scittCose.judge(vkey, asked).filter(({ ok }) => ok)).toEqual([]);
  });

  it('G01: refuses one with any one byte flipped, unless it says another place under the same root', () => {
    const [victim] = asked.slice(-2);
    if (victim === undefined) throw new Error('expected a receipt');
    const { receipt, entry, index, size } = victim;
    const flipped = Array.from(receipt, (byte, at) => {
      const changed = receipt.slice();
      changed[at] = byte ^ 1;
      return { receipt: changed, entry };
    });
    const good = scittCose.judge(http.ledger.signer.vkey, flipped).filter(({ ok }) => ok);
    // Index and size are signed by nobody: schemas/formats/checkpoint-and-receipt.md §8.
    for (const { leaf_index, tree_size } of good) {
      expect([leaf_index, tree_size]).not.toEqual([index, size]);
    }
    expect(good.length).toBeLessThan(3);
  });
});

describe.each([
  ['Ed25519 to P-256', (origin: string) => signerOf(origin, P256)],
  ['Ed25519 to Ed25519', (origin: string) => noteSigner(origin)],
])('receipts of a ledger whose key is rotated from %s', (_, newSigner) => {
  it('G07: are good under the key that was one at their size, and under no other', async () => {
    const http = await HttpLedger.start();
    try {
      await expectCoseRotation(http, newSigner(http.ledger.origin), scittCose);
    } finally {
      await http.discard();
    }
  });
});
