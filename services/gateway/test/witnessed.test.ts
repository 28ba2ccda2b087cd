import { hashLeaf, parseVerifierKey, verifyTlogProof } from '@countersign/tlog';
import { utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayBench, textIn, type Sent } from './testing/gateway-bench.ts';
import { COSIGNATURE, ORIGIN } from './testing/scripted-ledger.ts';

const POLICY = 'witness a witness.test+00000000+AA==\nquorum a\n';
const WITNESSED = 'level=witnessed&wait_ms=0';

let bench: GatewayBench;
let actionId: string;
beforeEach(async () => {
  bench = await GatewayBench.start({ witnessPolicy: POLICY });
  const passkey = await bench.ledger.enrolPasskey();
  ({ actionId } = await bench.request());
  await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
});
afterEach(async () => {
  await bench.close();
});

/** Every route that has the level, each for what the newest entry of the log says. */
function routes(): readonly string[] {
  return [`/v1/log/receipt?index=${bench.ledger.size - 1}`, `/v1/actions/${actionId}/evidence?`];
}

function refusal({ status, headers, body }: Sent): unknown[] {
  return [status, body['code'], headers['retry-after']];
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function entry(index: number): Promise<string> {
  const { body } = await bench.read(`/v1/log/entries?start=${index}&limit=1`);
  const [found] = body['entries'] as unknown as { text: string }[];
  return found?.text ?? '';
}

describe('at level witnessed', () => {
  test('nothing is given before witnesses have cosigned a head, and the refusal says what is missing', async () => {
    for (const route of routes()) {
      const sent = await bench.read(`${route}&${WITNESSED}`);
      expect([route, ...refusal(sent)]).toEqual([route, 503, 'WITNESS_QUORUM', '5']);
      expect(sent.body['detail']).toBe('expected a cosigned head of at least size 4, got none');
    }
    const head = await bench.read(`/v1/log/checkpoint?${WITNESSED}`);
    expect(refusal(head)).toEqual([503, 'WITNESS_QUORUM', '5']);
  });

  test('a head that is cosigned and older proves nothing that came after it', async () => {
    await bench.ledger.cosign();
    await bench.request();
    const beyond = await bench.read(`/v1/log/receipt?index=4&${WITNESSED}`);
    expect(refusal(beyond)).toEqual([503, 'WITNESS_QUORUM', '5']);
    expect(beyond.body['detail']).toBe('expected a cosigned head of at least size 5, got 4');
    // What it covers it proves, and the rest of the log goes on without it.
    expect((await bench.read(`/v1/log/receipt?index=3&${WITNESSED}`)).status).toBe(200);
    expect((await bench.read('/v1/log/receipt?index=4')).status).toBe(200);
    expect((await bench.read('/v1/log/checkpoint')).text).not.toContain(COSIGNATURE);
  });

  test('evidence waits until all that the log says of the action is under a cosigned head', async () => {
    await bench.ledger.cosign();
    const url = `/v1/actions/${actionId}/evidence?${WITNESSED}`;
    expect((await bench.read(url)).status).toBe(200);
    await bench.ledger.store.apply({
      rows: [
        {
          ...{ change: 'action-moved', tenant: 'acme', actionId, index: 4 },
          ...{ at: '2026-11-23T12:30:00.000Z', to: { status: 'used', uses: 1 } },
        },
      ],
    });
    expect(refusal(await bench.read(url))).toEqual([503, 'WITNESS_QUORUM', '5']);
  });

  test('receipts, evidence and the head come with the cosignatures', async () => {
    await bench.ledger.cosign();
    const head = await bench.read(`/v1/log/checkpoint?${WITNESSED}`);
    expect(head.text.endsWith(COSIGNATURE)).toBe(true);
    const { text: receipt } = await bench.read(`/v1/log/receipt?index=3&${WITNESSED}`);
    expect(receipt.endsWith(head.text)).toBe(true);
    const proven = await verifyTlogProof({
      ...{ text: receipt, leafHash: hashLeaf(utf8(await entry(3))), origin: ORIGIN },
      ...{ verifiers: [parseVerifierKey(bench.ledger.vkey)], verifySignature },
    });
    expect(proven).toMatchObject({ index: 3, size: 4 });
    const { body } = await bench.read(`/v1/actions/${actionId}/evidence?${WITNESSED}`);
    expect(textIn(body['binding'] as JsonObject, 'receipt')).toBe(receipt);
  });

  test('it waits, and answers as soon as they have', async () => {
    const asked = routes().map((route) => bench.read(`${route}&level=witnessed&wait_ms=30000`));
    await until(() => bench.ledger.waiters === asked.length);
    await bench.ledger.cosign();
    for (const sent of await Promise.all(asked)) {
      expect([sent.status, sent.text.includes(COSIGNATURE.slice(2, 20))]).toEqual([200, true]);
    }
  });

  test.each([
    ['log/checkpoint?level=witnessed&size=4', 'SCHEMA_INVALID'],
    ['log/checkpoint?level=witnessed&covering=1', 'SCHEMA_INVALID'],
    ['log/receipt?index=1&size=4&level=witnessed', 'SCHEMA_INVALID'],
    ['log/receipt?index=1&level=sealed', 'SCHEMA_INVALID'],
    ['log/receipt?index=1&level=witnessed&wait_ms=30001', 'SCHEMA_INVALID'],
    ['log/receipt?index=9&level=witnessed', 'INDEX_BEYOND_SIZE'],
  ])('%s is %s', async (path, code) => {
    await bench.ledger.cosign();
    const { status, body } = await bench.read(`/v1/${path}`);
    expect([status, body['code']]).toEqual([400, code]);
  });

  test('what is not bound has no evidence, however long witnesses are waited for', async () => {
    const pending = await bench.request();
    const sent = await bench.read(`/v1/actions/${pending.actionId}/evidence?level=witnessed`);
    expect(sent.body['code']).toBe('NOT_BOUND');
  });
});

describe('a ledger that asks no witnesses', () => {
  test('says so at once, also where a head was cosigned for it before', async () => {
    const without = await GatewayBench.start();
    const passkey = await without.ledger.enrolPasskey();
    const asked = await without.request();
    await without.post('/v1/decisions', await without.decisionOf(asked.actionId, passkey));
    await without.ledger.cosign();
    for (const route of [
      'log/checkpoint?level=witnessed',
      'log/receipt?index=3&level=witnessed',
      `actions/${asked.actionId}/evidence?level=witnessed`,
    ]) {
      const sent = await without.read(`/v1/${route}`);
      expect([route, ...refusal(sent)]).toEqual([route, 409, 'WITNESS_POLICY_MISSING', undefined]);
    }
    expect((await without.read('/v1/trust')).body['witness_policy']).toBeUndefined();
    await without.close();
    expect((await bench.read('/v1/trust')).body['witness_policy']).toBe(POLICY);
  });
});
