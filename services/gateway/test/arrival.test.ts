import { openArrival, parseArrival } from '@countersign/audit';
import { gatewayKeyName, statementText } from '@countersign/binding';
import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import {
  generateEd25519,
  parseEd25519,
  signEd25519,
  verifySignature,
} from '@countersign/crypto-node';
import { SignerError, formatVerifierKey, parseVerifierKey, signNote } from '@countersign/tlog';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PromiseKey } from '../src/index.ts';
import { GatewayBench, textIn } from './testing/gateway-bench.ts';
import { machine, ORIGIN, signedFrame, T0 } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
beforeEach(async () => {
  bench = await GatewayBench.start();
  bench.ledger.isHeld = true;
  const key = await promiseKey();
  bench.promiseKey = () => Promise.resolve(key);
});
afterEach(async () => {
  await bench.close();
});

async function promiseKey(): Promise<PromiseKey> {
  const key = parseEd25519(generateEd25519().privateKeyPem);
  const name = gatewayKeyName(ORIGIN);
  const vkey = formatVerifierKey({ name, algorithm: 'ed25519', publicKey: key.publicKeySpki });
  const leave = statementText({
    v: 'countersign.gateway-key.v1',
    ledger: ORIGIN,
    vkey,
    not_before: new Date(T0 - 3_600_000).toISOString(),
    not_after: new Date(T0 + 86_400_000).toISOString(),
  });
  const sign = (message: Uint8Array): Promise<Uint8Array> =>
    Promise.resolve(signEd25519(key, message));
  const certificate = await signNote(leave, [bench.ledger.signer]);
  return { signer: { name, vkey, sign }, certificate };
}

function opened({ arrival }: JsonObject): ReturnType<typeof openArrival> {
  const logKeys = [parseVerifierKey(bench.ledger.vkey)];
  const trust = { origin: ORIGIN, logKeys, verifySignature };
  return openArrival(parseArrival(canonicalBytes(arrival ?? null)), trust);
}

describe('G10: what has arrived and is not answered yet', () => {
  test('is promised, by a key that the log’s key lets promise', async () => {
    const action = bench.ledger.actionOf();
    const frame = signedFrame('request', action, bench.ledger.agent);
    const sent = await bench.post('/v1/requests?wait_ms=0', frame);
    expect(sent.status).toBe(202);
    expect(await opened(sent.body as JsonObject)).toMatchObject({
      ledger: ORIGIN,
      kind: 'request',
      action_id: action['action_id'],
      input: sent.body['input'],
      sender: `agent ${bench.ledger.agent.id}`,
    });
  });

  test('is promised to who decides too', async () => {
    bench.ledger.isHeld = false;
    const { actionId } = await bench.request();
    const decision = await bench.decisionOf(actionId, await bench.ledger.enrolPasskey());
    bench.ledger.isHeld = true;
    const sent = await bench.post('/v1/decisions?wait_ms=0', decision);
    expect(await opened(sent.body as JsonObject)).toMatchObject({
      kind: 'decision',
      sender: `person ${bench.ledger.person}`,
    });
  });

  test('is not promised to strangers, nor with another’s key, for that leaves no entry', async () => {
    const { agent, otherAgent } = bench.ledger;
    const forged = signedFrame('request', bench.ledger.actionOf(), {
      ...agent,
      key: otherAgent.key,
    });
    const strange = machine('agent:stranger');
    const action = bench.ledger.actionOf(strange);
    for (const frame of [forged, signedFrame('request', action, strange)]) {
      const sent = await bench.post('/v1/requests?wait_ms=0', frame);
      expect([sent.status, sent.body['arrival']]).toEqual([202, undefined]);
    }
  });

  test('is taken without a promise where there is no key, or that of the log is away', async () => {
    const keys: GatewayBench['promiseKey'][] = [
      () => Promise.resolve(undefined),
      () => Promise.reject(new SignerError('SIGNER_UNAVAILABLE', 'away')),
    ];
    for (const key of keys) {
      bench.promiseKey = key;
      const frame = signedFrame('request', bench.ledger.actionOf(), bench.ledger.agent);
      const sent = await bench.post('/v1/requests?wait_ms=0', frame);
      expect([sent.status, sent.body['arrival']]).toEqual([202, undefined]);
    }
  });
});

describe('the receipt of an input', () => {
  test('G10: is there for a refusal, to whoever sent it', async () => {
    bench.ledger.isHeld = false;
    const { actionId } = await bench.request();
    const { sent } = await bench.request(bench.ledger.agent, { action_id: actionId, max_uses: 2 });
    expect(sent.body['code']).toBe('REQUEST_ID_REUSED');
    const input = textIn(sent.body, 'input');
    const receipt = await bench.send({ url: `/v1/inputs/${input}/receipt` });
    expect([receipt.status, receipt.text]).toEqual([200, sent.body['receipt']]);
    const entries = await bench.readAs(bench.ledger.agent, `/v1/actions/${actionId}/entries`);
    expect(entries.text).toContain('request-refused');
  });

  test('is NOT_FOUND for what nobody sent, and the code of what was never logged', async () => {
    bench.ledger.isHeld = false;
    const url = `/v1/inputs/sha256:${'0'.repeat(64)}/receipt`;
    expect((await bench.send({ url })).body['code']).toBe('NOT_FOUND');
    const { sent } = await bench.request(machine('agent:stranger'));
    const input = textIn(sent.body, 'input');
    const refused = await bench.send({ url: `/v1/inputs/${input}/receipt` });
    expect(refused.body['code']).toBe('AGENT_UNKNOWN');
  });
});
