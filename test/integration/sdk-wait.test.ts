import { setTimeout as sleep } from 'node:timers/promises';
import { openArrival, parseArrival } from '@countersign/audit';
import { canonicalText, parseDigest, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  requestBinding,
  waitForBinding,
  type ActionView,
  type BindingRequested,
  type LedgerClient,
  type SigningKey,
} from '@countersign/sdk';
import { parseTrust } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Admitted } from '../support/founded-ledger.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import { commandPolicy } from '../support/parties.ts';

let at: HttpLedger;
let client: LedgerClient;
let key: SigningKey;

beforeAll(async () => {
  at = await HttpLedger.start(
    { policy: commandPolicy({ decide_within_s: 120 }) },
    { watchMs: 1_500 },
  );
  const { agent } = at.ledger.parties;
  client = at.client(agent);
  key = { thumbprint: agent.thumbprint, sign: (message) => agent.sign(message) };
});
afterAll(async () => {
  await at.discard();
});

function ask(action: JsonObject = at.ledger.parties.action()): Promise<BindingRequested> {
  return requestBinding(client, { key, action });
}

async function asked(): Promise<Admitted> {
  const action = at.ledger.parties.action();
  const requested = await ask(action);
  if (requested.status !== 'requested') throw new Error(requested.code);
  const { actionId, answer } = requested;
  const { entry, receipt } = answer;
  return {
    action,
    actionId,
    admission: { ...entry, leaf: parseDigest(entry.leaf), at: '', receipt },
  };
}

describe('requestBinding', () => {
  it('is safe to repeat: the same action is the same request', async () => {
    const action = at.ledger.parties.action();
    const [first, again] = [await ask(action), await ask(action)];
    expect(first).toMatchObject({ status: 'requested', actionId: action['action_id'] });
    expect(again).toMatchObject({ answer: { entry: { type: 'request-admitted' } } });
    expect(again.status === 'requested' && again.answer.entry).toEqual(
      first.status === 'requested' && first.answer.entry,
    );
  });

  it('tells a refusal by its code', async () => {
    const action = at.ledger.parties.action();
    await ask(action);
    expect(
      await ask({ ...action, max_uses: 1, not_after: '2027-01-01T00:00:00.000Z' }),
    ).toMatchObject({
      status: 'refused',
      code: 'REQUEST_ID_REUSED',
      answer: {
        entry: {
          type: 'request-refused',
          text: expect.stringContaining('REQUEST_ID_REUSED') as string,
        },
        receipt: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\n/) as string,
      },
    });
    const unknown = at.ledger.parties.executor;
    const other = { thumbprint: unknown.thumbprint, sign: (m: Uint8Array) => unknown.sign(m) };
    const refused = await requestBinding(client, {
      key: other,
      action: at.ledger.parties.action(),
    });
    expect(refused).toMatchObject({ status: 'refused', code: 'AGENT_UNKNOWN' });
    // Nobody unknown leaves an entry.
    expect(refused).not.toHaveProperty('answer');
  });

  it('G10: hands over what proves that it arrived, before its answer is waited for', async () => {
    const kept: JsonObject[] = [];
    const onArrival = (arrival: JsonObject): Promise<void> => {
      kept.push(arrival);
      return Promise.resolve();
    };
    // What is answered at once needs no promise.
    while (kept.length === 0) {
      const action = at.ledger.parties.action();
      const requested = await requestBinding(client, { key, action, onArrival });
      expect(requested.status).toBe('requested');
    }
    const { origin, logKeys } = parseTrust(at.trustFile());
    const file = parseArrival(utf8(canonicalText(kept[0] ?? {})));
    const promise = await openArrival(file, { origin, logKeys, verifySignature });
    expect(promise).toMatchObject({
      kind: 'request',
      sender: `agent ${at.ledger.parties.agent.id}`,
    });
  });
});

describe('waitForBinding', () => {
  it('ends with evidence, at once where the ledger tells by events', async () => {
    const open = await asked();
    const waiting = waitForBinding(client, open.actionId);
    await sleep(300);
    await at.ledger.decide(open);
    const result = await waiting;
    expect(result).toMatchObject({ status: 'bound', view: { action_id: open.actionId } });
    expect(result.status === 'bound' && result.evidence).toContain('"binding-made');
  });

  it('goes on over streams that end, and asks where there are none', async () => {
    const open = await asked();
    const seen: ActionView[] = [];
    const calls: string[] = [];
    at.net.meddle = (call) => {
      calls.push(call);
      return call.includes('/events') && calls.length > 3
        ? { status: 404, body: '{"code":"NOT_FOUND","detail":"no such address"}' }
        : 'pass';
    };
    const waiting = waitForBinding(client, open.actionId, { onWaiting: (view) => seen.push(view) });
    await sleep(2_500);
    await at.ledger.decide(open);
    expect((await waiting).status).toBe('bound');
    at.net.meddle = () => 'pass';
    expect(seen.length).toBeGreaterThan(0);
    expect(calls.some((call) => call.includes('/events'))).toBe(true);
    expect(calls.some((call) => call.includes('since='))).toBe(true);
  });

  it('C18: finds what was decided while it was cut off and the ledger started again', async () => {
    const open = await asked();
    const told: string[] = [];
    const waiting = waitForBinding(client, open.actionId, {
      onAway: () => told.push('away'),
      onBack: () => told.push('back'),
    });
    await sleep(300);
    await at.hangUp();
    await at.ledger.decide(open);
    await sleep(1_000);
    await at.restart();
    expect((await waiting).status).toBe('bound');
    expect(told).toEqual(['away', 'back']);
    // Another process, which knows the id and nothing else.
    expect((await waitForBinding(client, open.actionId)).status).toBe('bound');
  });

  it('gives up on a ledger that stays away, and on the signal of its caller', async () => {
    const open = await asked();
    const stop = new AbortController();
    const stopped = waitForBinding(client.until(stop.signal), open.actionId);
    setTimeout(() => {
      stop.abort();
    }, 200);
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    at.net.meddle = () => 'cut';
    await expect(waitForBinding(client, open.actionId, { awayMs: 600 })).rejects.toMatchObject({
      code: 'LEDGER_UNREACHABLE',
    });
    at.net.meddle = () => 'pass';
  });

  it('ends with who denied it and why', async () => {
    const open = await asked();
    await at.ledger.decide(open, { verdict: 'deny', text: 'not on a Friday' });
    expect(await waitForBinding(client, open.actionId)).toEqual({
      status: 'denied',
      code: 'DENIED',
      decisions: [
        expect.objectContaining({
          verdict: 'deny',
          person: at.ledger.parties.alice.id,
          rationale: 'not on a Friday',
        }),
      ],
    });
  });

  it('C17: ends as expired, which is nobody’s denial', async () => {
    const open = await asked();
    at.ledger.clock.forward(130_000);
    await asked();
    expect(await waitForBinding(client, open.actionId)).toEqual({
      status: 'expired',
      code: 'EXPIRED',
    });
  });
});

it('waitForBinding ends as soon as a freeze has ended what it waits for', async () => {
  const frozen = await HttpLedger.start({ policy: commandPolicy({ decide_within_s: 120 }) });
  try {
    const { agent } = frozen.ledger.parties;
    const open = await frozen.ledger.admit();
    const waiting = waitForBinding(frozen.client(agent), open.actionId);
    await sleep(500);
    const freeze = authorityAction(frozen.ledger, 'authority.freeze', { kind: 'frozen' });
    await frozen.ledger.bind(freeze);
    const begunMs = performance.now();
    expect(await waiting).toMatchObject({ code: 'EPOCH_ENDED' });
    expect(performance.now() - begunMs).toBeLessThan(10_000);
  } finally {
    await frozen.discard();
  }
});
