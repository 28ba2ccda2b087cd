import { randomBytes } from 'node:crypto';
import { makeUlid, type JsonObject } from '@countersign/canonical';
import { StoreError } from '@countersign/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayBench, READ_TOKEN, textIn } from './testing/gateway-bench.ts';
import { machine, ORIGIN, T0, TENANT } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
let actionId: string;
beforeAll(async () => {
  bench = await GatewayBench.start();
  ({ actionId } = await bench.request());
});
afterAll(async () => {
  await bench.close();
});

const unknownId = makeUlid(T0, randomBytes(10));

describe('who may read an action', () => {
  test('the agent that asked, the executor that is to run it, the operator, a token', async () => {
    const { agent, executor, operator } = bench.ledger;
    for (const reader of [agent, executor, operator]) {
      const { status, body } = await bench.readAs(reader, `/v1/actions/${actionId}`);
      expect([reader.id, status, body['status']]).toEqual([reader.id, 200, 'pending']);
    }
    expect((await bench.read(`/v1/actions/${actionId}`)).status).toBe(200);
  });

  test('G17: for others it is exactly as if it were not there', async () => {
    const { otherAgent, otherExecutor } = bench.ledger;
    for (const reader of [otherAgent, otherExecutor]) {
      for (const end of ['', '/review', '/evidence', '?since=0&wait_ms=50']) {
        const theirs = await bench.readAs(reader, `/v1/actions/${actionId}${end}`);
        const none = await bench.readAs(reader, `/v1/actions/${unknownId}${end}`);
        expect([theirs.status, theirs.body['code']]).toEqual([404, 'NOT_FOUND']);
        expect(theirs.text).toBe(none.text);
      }
    }
  });

  test.each(['', '/review', '/evidence'])('nobody unknown: AUTH_REQUIRED%s', async (end) => {
    const sent = await bench.send({ url: `/v1/actions/${actionId}${end}` });
    expect([sent.status, sent.body['code']]).toEqual([401, 'AUTH_REQUIRED']);
    expect(sent.headers['www-authenticate']).toBe('Bearer realm="countersign"');
  });

  test('a wrong token is TOKEN_INVALID, for what is there and what is not', async () => {
    for (const id of [actionId, unknownId]) {
      const headers = { authorization: `Bearer ${READ_TOKEN.replace('r', 'R')}` };
      const sent = await bench.send({ url: `/v1/actions/${id}`, headers });
      expect([sent.status, sent.body['code']]).toEqual([401, 'TOKEN_INVALID']);
    }
  });
});

describe('read models that are away', () => {
  test('are PROJECTOR_BEHIND for who asks, and nothing is said of where they are', async () => {
    const { store } = bench.ledger;
    const action = store.action.bind(store);
    store.action = () =>
      Promise.reject(new StoreError('STORE_UNAVAILABLE', 'PostgreSQL: connect 10.0.0.7'));
    const sent = await bench.read(`/v1/actions/${actionId}`);
    store.action = action;
    expect([sent.status, sent.body['code']]).toEqual([503, 'PROJECTOR_BEHIND']);
    expect(sent.text).not.toContain('10.0.0.7');
    expect((await bench.read(`/v1/actions/${actionId}`)).status).toBe(200);
  });
});

describe('a signed read', () => {
  const url = (): string => `/v1/actions/${actionId}`;

  test.each<
    [string, (headers: Record<string, string>) => Promise<[string, Record<string, string>]>]
  >([
    ['of another address', async (headers) => Promise.resolve([`${url()}/review`, headers])],
    ['with another query', async (headers) => Promise.resolve([`${url()}?since=0`, headers])],
    [
      'with another signature',
      async (headers) =>
        Promise.resolve([url(), { ...headers, signature: `countersign=:${'A'.repeat(86)}==:` }]),
    ],
    [
      'without a signature',
      async ({ 'signature-input': input = '' }) =>
        Promise.resolve([url(), { 'signature-input': input }]),
    ],
  ])('%s is refused', async (_name, change) => {
    const [address, headers] = await change(await bench.signatureOf(bench.ledger.agent, url()));
    const sent = await bench.send({ url: address, headers });
    expect(sent.status).toBe(401);
    expect(['HTTP_SIGNATURE_INVALID', 'AUTH_REQUIRED']).toContain(sent.body['code']);
  });

  test('of an unknown key is HTTP_SIGNATURE_INVALID', async () => {
    const sent = await bench.readAs(machine('agent:stranger'), url());
    expect([sent.status, sent.body['code']]).toEqual([401, 'HTTP_SIGNATURE_INVALID']);
  });

  test('counts once', async () => {
    const headers = await bench.signatureOf(bench.ledger.agent, url());
    expect((await bench.send({ url: url(), headers })).status).toBe(200);
    const replay = await bench.send({ url: url(), headers });
    expect([replay.status, replay.body['code']]).toEqual([401, 'HTTP_SIGNATURE_INVALID']);
  });

  test('two minutes old is refused', async () => {
    const headers = await bench.signatureOf(bench.ledger.agent, url());
    bench.ledger.nowMs += 120_000;
    const sent = await bench.send({ url: url(), headers });
    bench.ledger.nowMs -= 120_000;
    expect([sent.status, sent.body['code']]).toEqual([401, 'HTTP_SIGNATURE_INVALID']);
  });
});

describe('a read that a read token signs', () => {
  const url = (): string => `/v1/actions/${actionId}`;

  async function refusalOf(headers: Record<string, string>, at = url()): Promise<unknown[]> {
    const { status, body } = await bench.send({ url: at, headers });
    return [status, body['code']];
  }
  const refused = [401, 'HTTP_SIGNATURE_INVALID'];

  test('sees what the token sees, once, and the token is not in it', async () => {
    const headers = await bench.macOf(READ_TOKEN, '/v1/inbox');
    expect(JSON.stringify(headers)).not.toContain(READ_TOKEN);
    expect((await bench.send({ url: '/v1/inbox', headers })).status).toBe(200);
    expect(await refusalOf(headers, '/v1/inbox')).toEqual(refused);
  });

  test('opens no other address, and nothing with another token', async () => {
    const headers = await bench.macOf(READ_TOKEN, url());
    for (const other of [`${url()}/evidence`, `${url()}?since=0`, '/v1/inbox']) {
      expect(await refusalOf(headers, other)).toEqual(refused);
    }
    expect(await refusalOf(await bench.macOf(`${READ_TOKEN}x`, url()))).toEqual(refused);
    // What was refused has not used the nonce up.
    expect((await bench.send({ url: url(), headers })).status).toBe(200);
  });

  test.each<[string, (input: string, agent: string) => string]>([
    ['the algorithm of keys', (input) => input.replace('hmac-sha256', 'ed25519')],
    ['the id of a key', (input, agent) => input.replace('read-token', agent)],
    ['no nonce', (input) => input.replace(/;nonce=.*/, '')],
    ['fewer components', (input) => input.replace(' "@target-uri"', '')],
  ])('is refused with %s', async (_what, change) => {
    const headers = await bench.macOf(READ_TOKEN, url());
    const input = change(headers['signature-input'] ?? '', bench.ledger.agent.thumbprint);
    expect(await refusalOf({ ...headers, 'signature-input': input })).toEqual(refused);
  });

  test('two minutes old is refused', async () => {
    const headers = await bench.macOf(READ_TOKEN, url());
    bench.ledger.nowMs += 120_000;
    const answer = await refusalOf(headers);
    bench.ledger.nowMs -= 120_000;
    expect(answer).toEqual(refused);
  });
});

describe('lists', () => {
  test('a token and an operator see the inbox and all actions, page by page', async () => {
    await bench.request(bench.ledger.otherAgent);
    const first = await bench.read('/v1/inbox?limit=1');
    expect(first.status).toBe(200);
    expect(first.body['actions']).toHaveLength(1);
    const next = await bench.read(`/v1/inbox?limit=1&cursor=${textIn(first.body, 'cursor')}`);
    expect(next.body['actions']).toHaveLength(1);
    expect(next.body['actions']).not.toEqual(first.body['actions']);
    const bound = await bench.readAs(bench.ledger.operator, '/v1/actions?status=bound');
    expect(bound.body['actions']).toEqual([]);
  });

  test.each(['/v1/inbox', '/v1/actions', '/v1/findings', '/v1/log/entries'])(
    '%s is not for other machines: READ_SCOPE',
    async (url) => {
      const sent = await bench.readAs(bench.ledger.agent, url);
      expect([sent.status, sent.body['code']]).toEqual([403, 'READ_SCOPE']);
    },
  );

  test.each([
    ['/v1/actions?status=approved', 'SCHEMA_INVALID'],
    ['/v1/actions?limit=100000', 'SCHEMA_INVALID'],
    ['/v1/actions?limit=1&limit=2', 'SCHEMA_INVALID'],
    ['/v1/actions?tenant=other', 'UNKNOWN_MEMBER'],
    ['/v1/actions/not-an-id', 'SCHEMA_INVALID'],
    ['/v1/log/consistency?from=2&to=1', 'RANGE_INVALID'],
  ])('%s is %s', async (url, code) => {
    const sent = await bench.read(url);
    expect([sent.status, sent.body['code']]).toEqual([400, code]);
  });
});

describe('a review', () => {
  test('holds the action, its admission with receipt, and the display', async () => {
    const { status, body } = await bench.read(`/v1/actions/${actionId}/review`);
    expect(status).toBe(200);
    expect(JSON.parse(textIn(body, 'action'))).toMatchObject({ action_id: actionId });
    expect(body['admission']).toMatchObject({ entry: { type: 'request-admitted' } });
    expect(body['display']).toMatchObject({ v: 'countersign.display.v1', type: 'generic.command' });
    expect(body['rp']).toEqual({ id: 'localhost', origins: ['http://localhost:7420'] });
    expect(body['policy']).toMatchObject({ v: 'countersign.policy.v1' });
    expect(body['descriptor']).toMatchObject({ type: 'generic.command' });
  });

  test('evidence before a binding is NOT_BOUND', async () => {
    const sent = await bench.read(`/v1/actions/${actionId}/evidence`);
    expect([sent.status, sent.body['code']]).toEqual([409, 'NOT_BOUND']);
  });
});

describe('who decided, and why', () => {
  test('is told to the agent that asked and the executor, while there is content', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const asked = await bench.request();
    const url = `/v1/actions/${asked.actionId}`;
    expect((await bench.readAs(bench.ledger.agent, url)).body['decisions']).toEqual([]);
    const denial = await bench.decisionOf(asked.actionId, passkey, {
      verdict: 'deny',
      text: 'Not during the freeze.',
      dwellMs: 12_345,
    });
    expect((await bench.post('/v1/decisions', denial)).status).toBe(201);
    for (const reader of [bench.ledger.agent, bench.ledger.executor]) {
      const { body } = await bench.readAs(reader, url);
      expect(body['decisions']).toMatchObject([
        {
          verdict: 'deny',
          person: bench.ledger.person,
          claimed_dwell_ms: 12_345,
          rationale: 'Not during the freeze.',
        },
      ]);
    }
    expect((await bench.readAs(bench.ledger.otherAgent, url)).status).toBe(404);
  });

  test('comes with its entry, its receipt and its salt in the review', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const asked = await bench.request();
    const approval = await bench.decisionOf(asked.actionId, passkey, { text: 'It is time.' });
    await bench.post('/v1/decisions', approval);
    const { body } = await bench.read(`/v1/actions/${asked.actionId}/review`);
    const [decision] = body['decisions'] as unknown as JsonObject[];
    expect(decision).toMatchObject({
      verdict: 'approve',
      entry: { type: 'decision-accepted' },
      rationale: approval['rationale'],
    });
    expect(textIn(decision ?? {}, 'receipt')).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  });
});

describe('the log', () => {
  test('says publicly which ledger it is, and what it would have you trust', async () => {
    const ledger = await bench.send({ url: '/v1/ledger' });
    expect(ledger.body).toMatchObject({
      origin: ORIGIN,
      tenant: TENANT,
      demo: true,
      separation: 'solo',
      log_keys: [bench.ledger.vkey],
    });
    const trust = await bench.send({ url: '/v1/trust' });
    expect(trust.body).toMatchObject({
      v: 'countersign.trust.v1',
      genesis: ledger.body['genesis'],
      accept: { demo: false },
    });
  });

  test('hands out its checkpoint, entries and proofs', async () => {
    const { text, headers } = await bench.read('/v1/log/checkpoint');
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text.split('\n').slice(0, 2)).toEqual([ORIGIN, String(bench.ledger.size)]);
    const { body } = await bench.read('/v1/log/entries?start=1&limit=1');
    const [entry] = body['entries'] as unknown as JsonObject[];
    expect(entry).toMatchObject({ index: 1, type: 'request-admitted' });
    const inclusion = await bench.read('/v1/log/inclusion?index=1&size=2');
    expect(inclusion.body['hashes']).toHaveLength(1);
    const consistency = await bench.read('/v1/log/consistency?from=1&to=2');
    expect(consistency.body['hashes']).toHaveLength(1);
  });

  test('hands an agent its checkpoint, nobody else’s entries', async () => {
    expect((await bench.readAs(bench.ledger.agent, '/v1/log/checkpoint')).status).toBe(200);
    expect((await bench.send({ url: '/v1/log/checkpoint' })).body['code']).toBe('AUTH_REQUIRED');
  });
});

describe('a use by its short id', () => {
  const useId = '01ARZ3NDEKTSV4RRFFQ69G0001';
  const path = `/v1/uses/cs-${useId.slice(-10)}`;

  beforeAll(async () => {
    const row = { tenant: TENANT, actionId, useId, shortId: `cs-${useId.slice(-10)}` };
    const at = new Date(T0).toISOString();
    const rows = [{ change: 'use', row: { ...row, index: 1, at } }] as const;
    await bench.ledger.store.apply({ rows });
  });

  test('is found by whoever may read its action', async () => {
    const { agent, executor } = bench.ledger;
    for (const { status, body } of [
      await bench.read(path),
      await bench.readAs(agent, path),
      await bench.readAs(executor, path),
    ]) {
      expect(status).toBe(200);
      expect(body['uses']).toMatchObject([{ use_id: useId, action_id: actionId, assurance: null }]);
    }
  });

  test('G17: for others it is exactly as if it were not there', async () => {
    const { otherAgent } = bench.ledger;
    const theirs = await bench.readAs(otherAgent, path);
    const none = await bench.readAs(otherAgent, '/v1/uses/cs-0000000000');
    expect([theirs.status, theirs.body['code']]).toEqual([404, 'NOT_FOUND']);
    expect(theirs.text).toBe(none.text);
  });
});
