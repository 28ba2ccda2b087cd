import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseVerifierKey } from '@countersign/tlog';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signerOf } from '../../packages/tlog/test/node-keys.ts';
import { HttpLedger, READ_TOKEN } from '../support/http-ledger.ts';
import { pythonEnvironment } from '../support/python-environment.ts';

/** Others' code for RFC 9942, which has made the vectors of test/vectors/tlog/cose-receipts.json. */
const bin = pythonEnvironment({ name: 'scitt-cose', requirement: 'scitt-cose==0.5.0' });
if (bin === undefined) throw new Error('expected Python 3 with venv, and scitt-cose from PyPI');
const python = join(bin, 'python');
const script = fileURLToPath(new URL('scitt-cose/verify_receipts.py', import.meta.url));

interface Judged {
  readonly ok: boolean;
  readonly tree_size: number | null;
  readonly leaf_index: number | null;
  readonly issuer: string | null;
  readonly failed_at: string | null;
}

interface Asked {
  readonly receipt: Uint8Array;
  readonly entry: string;
}

/** All at once: each start of Python takes longer than it takes to judge a hundred. */
function judge(vkey: string, asked: readonly Asked[]): Judged[] {
  const { publicKey } = parseVerifierKey(vkey);
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const input = JSON.stringify({
    key: key.export({ format: 'pem', type: 'spki' }),
    receipts: asked.map(({ receipt, entry }) => ({
      receipt: Buffer.from(receipt).toString('hex'),
      entry: Buffer.from(entry).toString('hex'),
    })),
  });
  return JSON.parse(execFileSync(python, [script], { input, encoding: 'utf8' })) as Judged[];
}

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
    const judged = judge(http.ledger.signer.vkey, asked);
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
    expect(judge(http.ledger.signer.vkey, others).filter(({ ok }) => ok)).toEqual([]);
    const { privateKey } = generateKeyPairSync('ed25519');
    const { vkey } = signerOf(http.ledger.origin, privateKey);
    expect(judge(vkey, asked).filter(({ ok }) => ok)).toEqual([]);
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
    const good = judge(http.ledger.signer.vkey, flipped).filter(({ ok }) => ok);
    // Index and size are signed by nobody: schemas/formats/checkpoint-and-receipt.md §8.
    for (const { leaf_index, tree_size } of good) {
      expect([leaf_index, tree_size]).not.toEqual([index, size]);
    }
    expect(good.length).toBeLessThan(3);
  });
});
