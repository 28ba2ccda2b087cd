import { fromBase64, fromHex, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  hashLeaf,
  openCheckpoint,
  parseVerifierKey,
  verifyConsistency,
  verifyInclusion,
  verifyTlogProof,
  type OpenedCheckpoint,
} from '@countersign/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayBench, textIn } from './testing/gateway-bench.ts';
import { ORIGIN, T0 } from './testing/scripted-ledger.ts';

const UNKNOWN_LEAF = `sha256:${'0'.repeat(64)}`;

let bench: GatewayBench;
let actionId: string;
let entries: readonly { index: number; leaf: string; text: string }[];
/** With the time of its last entry. */
const heads: { readonly size: number; readonly atMs: number }[] = [];

function noteHead(): void {
  heads.push({ size: bench.ledger.size, atMs: bench.ledger.nowMs });
  bench.ledger.nowMs += 1_000;
}

beforeAll(async () => {
  bench = await GatewayBench.start();
  const passkey = await bench.ledger.enrolPasskey();
  noteHead();
  for (let round = 0; round < 4; round += 1) {
    ({ actionId } = await bench.request());
    noteHead();
    // Two entries under one head: a size that nobody has signed lies between.
    await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    noteHead();
  }
  const { body } = await bench.read('/v1/log/entries');
  entries = body['entries'] as unknown as typeof entries;
});

afterAll(async () => {
  await bench.close();
});

async function headOf(query: string): Promise<OpenedCheckpoint> {
  const { text } = await bench.read(`/v1/log/checkpoint${query}`);
  const verifiers = [parseVerifierKey(bench.ledger.vkey)];
  return openCheckpoint(text, { origin: ORIGIN, verifiers, verifySignature });
}

async function hashesOf(url: string): Promise<Uint8Array[]> {
  const { status, body } = await bench.read(url);
  expect([url, status]).toEqual([url, 200]);
  return (body['hashes'] as string[]).map(fromBase64);
}

function verified(text: string, leafHash: Uint8Array): ReturnType<typeof verifyTlogProof> {
  const verifiers = [parseVerifierKey(bench.ledger.vkey)];
  return verifyTlogProof({ text, leafHash, origin: ORIGIN, verifiers, verifySignature });
}

describe('heads', () => {
  test('are given for each size that was signed, and the newest for none', async () => {
    for (const { size } of heads) expect((await headOf(`?size=${size}`)).size).toBe(size);
    expect((await headOf('')).size).toBe(bench.ledger.size);
  });

  test('that first cover an entry', async () => {
    for (const { index } of entries) {
      const first = heads.find(({ size }) => size > index);
      expect((await headOf(`?covering=${index}`)).size).toBe(first?.size);
    }
  });

  test('that were the newest at a time', async () => {
    const at = async (ms: number): Promise<number> =>
      (await headOf(`?at=${new Date(ms).toISOString()}`)).size;
    for (const [place, { size, atMs }] of heads.entries()) {
      expect(await at(atMs)).toBe(size);
      expect(await at(atMs + 999)).toBe(size);
      if (place > 0) expect(await at(atMs - 1)).toBe(heads[place - 1]?.size);
    }
    const early = await bench.read('/v1/log/checkpoint?at=2026-11-23T11:59:59.999Z');
    expect([early.status, early.body['code']]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('proofs', () => {
  test('of every entry under every head hold, by index and by leaf hash, and as a receipt', async () => {
    for (const { size } of heads) {
      const { root } = await headOf(`?size=${size}`);
      for (const { index, leaf, text } of entries.slice(0, size)) {
        const leafHash = hashLeaf(utf8(text));
        const proof = await hashesOf(`/v1/log/inclusion?index=${index}&size=${size}`);
        verifyInclusion({ leafHash, index, size, proof, root });
        expect(await hashesOf(`/v1/log/inclusion?leaf=${leaf}&size=${size}`)).toEqual(proof);
        const receipt = await bench.read(`/v1/log/receipt?leaf=${leaf}&size=${size}`);
        expect(await verified(receipt.text, leafHash)).toMatchObject({ index, size });
        expect(receipt.headers['content-disposition']).toBe(
          `attachment; filename="${index}-of-${size}.tlog-proof"`,
        );
      }
    }
  });

  test('between every two heads hold', async () => {
    const opened = await Promise.all(heads.map(({ size }) => headOf(`?size=${size}`)));
    for (const { size: from, root: fromRoot } of opened) {
      for (const { size: to, root: toRoot } of opened.filter(({ size }) => size >= from)) {
        const proof = await hashesOf(`/v1/log/consistency?from=${from}&to=${to}`);
        verifyConsistency({ from, to, fromRoot, toRoot, proof });
      }
    }
  });

  test('are at the newest head unless a size is asked for', async () => {
    const { body } = await bench.read('/v1/log/inclusion?index=1');
    expect(body).toMatchObject({ index: 1, size: bench.ledger.size });
    const { text } = await bench.read('/v1/log/receipt?index=1');
    const leafHash = hashLeaf(utf8(entries[1]?.text ?? ''));
    expect((await verified(text, leafHash)).size).toBe(bench.ledger.size);
  });

  test.each([
    ['inclusion?index=1&size=3', 404, 'SIZE_NOT_PUBLISHED', /2 or 4 are the nearest, got 3/],
    ['inclusion?index=0&size=0', 404, 'SIZE_NOT_PUBLISHED', /of which 1 are the nearest, got 0/],
    ['inclusion?index=0&size=999', 404, 'SIZE_BEYOND_LOG', /at most 13, .*, got 999/],
    ['inclusion?index=2&size=2', 400, 'INDEX_BEYOND_SIZE', /less than the size 2, got 2/],
    ['inclusion?index=13', 400, 'INDEX_BEYOND_SIZE', /less than the size 13, got 13/],
    ['inclusion?index=-1', 400, 'POSITION_INVALID', /got a negative number/],
    ['inclusion?index=1.9', 400, 'POSITION_INVALID', /got a fraction/],
    ['inclusion?index=true', 400, 'POSITION_INVALID', /got something else/],
    ['inclusion?index=1e1', 400, 'POSITION_INVALID', /got something else/],
    ['inclusion?index=%201', 400, 'POSITION_INVALID', /got something else/],
    ['inclusion?index=01', 400, 'POSITION_INVALID', /got a leading zero/],
    ['inclusion?index=', 400, 'POSITION_INVALID', /got nothing/],
    ['inclusion?index=9007199254740992', 400, 'POSITION_INVALID', /got a larger number/],
    ['inclusion?index=1&size=NaN', 400, 'POSITION_INVALID', /^size: expected a whole number/],
    ['inclusion?index=1&index=2', 400, 'SCHEMA_INVALID', /string/],
    ['inclusion?size=1', 400, 'SCHEMA_INVALID', /either index or leaf/],
    [`inclusion?index=1&leaf=${UNKNOWN_LEAF}`, 400, 'SCHEMA_INVALID', /either index or leaf/],
    ['inclusion?leaf=sha256:00', 400, 'SCHEMA_INVALID', /pattern/],
    [`inclusion?leaf=${UNKNOWN_LEAF}`, 404, 'NOT_FOUND', /nothing here/],
    ['receipt?index=3&size=2', 400, 'INDEX_BEYOND_SIZE', /less than the size 2, got 3/],
    ['consistency?from=0&to=2', 404, 'SIZE_NOT_PUBLISHED', /got 0/],
    ['consistency?from=2&to=6', 404, 'SIZE_NOT_PUBLISHED', /5 or 7 are the nearest, got 6/],
    ['consistency?from=2&to=999', 404, 'SIZE_BEYOND_LOG', /got 999/],
    ['consistency?from=4&to=2', 400, 'RANGE_INVALID', /from: expected at most 2, got 4/],
    ['consistency?from=-2&to=2', 400, 'POSITION_INVALID', /^from: .* got a negative number/],
    ['consistency?from=2', 400, 'SCHEMA_INVALID', /to/],
    ['checkpoint?size=3', 404, 'SIZE_NOT_PUBLISHED', /got 3/],
    ['checkpoint?size=999', 404, 'SIZE_BEYOND_LOG', /got 999/],
    ['checkpoint?covering=13', 400, 'INDEX_BEYOND_SIZE', /less than the 13 entries/],
    ['checkpoint?covering=x', 400, 'POSITION_INVALID', /^covering: /],
    ['checkpoint?at=yesterday', 400, 'SCHEMA_INVALID', /YYYY-MM-DD/],
    ['checkpoint?at=2026-11-23T12:00:00Z', 400, 'SCHEMA_INVALID', /YYYY-MM-DD/],
    ['checkpoint?size=1&covering=0', 400, 'SCHEMA_INVALID', /one of size, at and covering/],
  ])('%s is %i %s', async (...row) => {
    const [path, status, code, detail] = row;
    const sent = await bench.read(`/v1/log/${path}`);
    expect([sent.status, sent.body['code']]).toEqual([status, code]);
    expect(textIn(sent.body, 'detail')).toMatch(detail);
  });

  test('are for who may read, and show no machine what is in the log', async () => {
    const { agent } = bench.ledger;
    for (const path of ['checkpoint?size=1', 'inclusion?index=0', 'receipt?index=0']) {
      const url = `/v1/log/${path}`;
      expect((await bench.send({ url })).body['code']).toBe('AUTH_REQUIRED');
      expect((await bench.readAs(agent, url)).status).toBe(200);
    }
  });
});

describe('the entries of an action', () => {
  const proven = async (body: JsonObject): Promise<number[]> => {
    const pairs = body['entries'] as unknown as { entry: JsonObject; receipt: string }[];
    const found = pairs.map(async ({ entry, receipt }) => {
      const { index, size } = await verified(receipt, hashLeaf(utf8(textIn(entry, 'text'))));
      expect([index, size]).toEqual([entry['index'], body['size']]);
      return index;
    });
    return Promise.all(found);
  };

  test('come with their receipts, all at one head', async () => {
    const { body } = await bench.read(`/v1/actions/${actionId}/entries`);
    expect(await proven(body)).toEqual([10, 11, 12]);
    expect(body).toMatchObject({ size: 13, next: null });
  });

  test('come at another head, and from an index on', async () => {
    const early = await bench.read(`/v1/actions/${actionId}/entries?size=11`);
    expect(await proven(early.body)).toEqual([10]);
    const late = await bench.read(`/v1/actions/${actionId}/entries?start=11`);
    expect(await proven(late.body)).toEqual([11, 12]);
  });

  test('are those of who may read the action', async () => {
    const url = `/v1/actions/${actionId}/entries`;
    expect((await bench.readAs(bench.ledger.agent, url)).status).toBe(200);
    expect((await bench.readAs(bench.ledger.otherAgent, url)).body['code']).toBe('NOT_FOUND');
  });

  test.each([
    ['?size=12', 'SIZE_NOT_PUBLISHED'],
    ['?size=99', 'SIZE_BEYOND_LOG'],
    ['?start=-1', 'POSITION_INVALID'],
  ])('%s is %s', async (query, code) => {
    expect((await bench.read(`/v1/actions/${actionId}/entries${query}`)).body['code']).toBe(code);
  });

  test('come with its state where that is asked for', async () => {
    const { body } = await bench.read(`/v1/actions/${actionId}?proofs=1`);
    expect(body).toMatchObject({ status: 'bound', log_size: 13 });
    expect(await proven(body['proofs'] as JsonObject)).toEqual([10, 11, 12]);
    const { body: plain } = await bench.read(`/v1/actions/${actionId}`);
    expect(plain['proofs']).toBeUndefined();
  });

  test('come with lists: the newest one of each', async () => {
    const { body } = await bench.read('/v1/actions?proofs=1');
    const actions = body['actions'] as unknown as (JsonObject & { newest: JsonObject })[];
    expect(actions).toHaveLength(4);
    for (const { newest, last_index } of actions) {
      const { text } = newest['entry'] as { text: string };
      const { index } = await verified(textIn(newest, 'receipt'), hashLeaf(utf8(text)));
      expect(index).toBe(last_index);
    }
    const inbox = await bench.read('/v1/inbox?proofs=1');
    expect(inbox.body).toMatchObject({ actions: [], log_size: 13 });
  });

  test('G11: do not say what the altered read models say', async () => {
    const { actionId: pending } = await bench.request();
    const { store, size } = bench.ledger;
    const row = await store.action('acme', pending);
    await store.apply({
      rows: [
        {
          change: 'action-moved',
          tenant: 'acme',
          actionId: pending,
          index: size - 1,
          at: new Date(T0).toISOString(),
          to: { status: 'bound', bindingIndex: 12 },
        },
      ],
    });
    expect(row?.status).toBe('pending');
    const { body } = await bench.read(`/v1/actions/${pending}?proofs=1`);
    expect(body['status']).toBe('bound');
    const { entries: shown } = body['proofs'] as { entries: { entry: JsonObject }[] };
    expect(shown.map(({ entry }) => entry['type'])).toEqual(['request-admitted']);
    // The binding of another action, given out as its own, has a receipt that holds: it says itself whose it is.
    const other = entries[12];
    expect(other?.text).not.toContain(pending);
    const { text: receipt } = await bench.read('/v1/log/receipt?index=12');
    const forged = hashLeaf(utf8((other?.text ?? '').replaceAll(actionId, pending)));
    await expect(verified(receipt, forged)).rejects.toMatchObject({ code: 'PROOF_ROOT' });
    expect(fromHex((other?.leaf ?? '').slice('sha256:'.length))).not.toEqual(forged);
  });
});

test('every answer of the read models says how much of the log it reflects', async () => {
  const { size } = bench.ledger;
  for (const path of ['/v1/actions', '/v1/inbox', `/v1/actions/${actionId}`, '/v1/ledger']) {
    expect([path, (await bench.read(path)).body['log_size']]).toEqual([path, size]);
  }
  const review = await bench.read(`/v1/actions/${actionId}/review`);
  expect(review.body['log_size']).toBe(size);
  expect((await bench.read('/v1/log/entries')).body['size']).toBe(size);
});
