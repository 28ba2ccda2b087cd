import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GatewayBench, textIn } from './testing/gateway-bench.ts';
import { machine, signedFrame, TENANT } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
beforeAll(async () => {
  bench = await GatewayBench.start();
});
beforeEach(() => {
  bench.ledger.submissions.length = 0;
  bench.ledger.isAway = false;
  bench.health = undefined;
});
afterAll(async () => {
  await bench.close();
});

const ID = '01JDA5C8000000000000000001';

describe('a request', () => {
  test('is answered with its entry and its receipt', async () => {
    const { actionId, sent } = await bench.request();
    expect(sent.status).toBe(201);
    expect(sent.body).toMatchObject({ action_id: actionId, status: 'pending' });
    const index = bench.ledger.size - 1;
    expect(sent.body['entry']).toMatchObject({ type: 'request-admitted', index });
    expect(textIn(sent.body, 'receipt')).toContain(`c2sp.org/tlog-proof@v1\nindex ${index}\n`);
  });

  test('sent again, however written, is 200 with the same entry, and is not taken twice', async () => {
    const { frame, sent } = await bench.request();
    const members = Object.entries(frame as JsonObject).reverse();
    const again = await bench.send({
      method: 'POST',
      url: '/v1/requests',
      raw: JSON.stringify(Object.fromEntries(members), null, 2),
    });
    expect(again.status).toBe(200);
    expect(again.body['entry']).toEqual(sent.body['entry']);
    expect(bench.ledger.submissions).toHaveLength(1);
  });

  test('under an id used before is REQUEST_ID_REUSED with the entry that says so', async () => {
    const { actionId } = await bench.request();
    const { sent } = await bench.request(bench.ledger.agent, { action_id: actionId, max_uses: 2 });
    expect(sent.status).toBe(409);
    expect(sent.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(sent.body).toMatchObject({
      type: 'urn:countersign:REQUEST_ID_REUSED',
      code: 'REQUEST_ID_REUSED',
      status: 409,
      entry: { type: 'request-refused' },
    });
    expect(typeof sent.body['receipt']).toBe('string');
  });

  test('of another form than its type has is refused with the place', async () => {
    const { sent } = await bench.request(bench.ledger.agent, { params: { argv: 'rm -r /srv' } });
    expect([sent.status, sent.body['code']]).toEqual([400, 'SCHEMA_INVALID']);
    expect(textIn(sent.body, 'detail')).toMatch(/: entry \d+ says so: \/params\/\w+: expected /);
    expect(JSON.stringify(sent.body)).not.toContain('rm -r');
  });

  test('of an agent that nobody knows is AGENT_UNKNOWN, and not on record', async () => {
    const before = bench.ledger.size;
    const { sent } = await bench.request(machine('agent:stranger'));
    expect(sent.status).toBe(401);
    expect(sent.body['code']).toBe('AGENT_UNKNOWN');
    expect(sent.body['entry']).toBeUndefined();
    expect(bench.ledger.size).toBe(before);
  });

  test('of an agent enrolled since is judged again', async () => {
    const agent = machine('agent:late');
    const { frame, sent } = await bench.request(agent);
    expect(sent.body['code']).toBe('AGENT_UNKNOWN');
    await bench.ledger.enrolAgent(agent);
    const again = await bench.post('/v1/requests', frame);
    expect(again.status).toBe(201);
  });

  test('with another’s key is SIGNATURE_INVALID', async () => {
    const { agent, otherAgent } = bench.ledger;
    const action = bench.ledger.actionOf();
    const forged = { ...agent, key: otherAgent.key };
    const sent = await bench.post('/v1/requests', signedFrame('request', action, forged));
    expect([sent.status, sent.body['code']]).toEqual([401, 'SIGNATURE_INVALID']);
  });

  test('of a tenant that is not here is TENANT_UNKNOWN', async () => {
    const { sent } = await bench.request(bench.ledger.agent, { tenant: 'elsewhere' });
    expect([sent.status, sent.body['code']]).toEqual([404, 'TENANT_UNKNOWN']);
  });

  test('whose payload names no action goes nowhere', async () => {
    const frame = signedFrame('request', { tenant: TENANT }, bench.ledger.agent);
    const sent = await bench.post('/v1/requests', frame);
    expect([sent.status, sent.body['code']]).toEqual([400, 'SCHEMA_INVALID']);
    expect(bench.ledger.submissions).toHaveLength(0);
  });
});

describe('bodies at the edge', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const frame = `"payload":"e30","key":"${digest}","signature":"${'A'.repeat(86)}"`;

  test.each([
    ['B: a member twice', `{${frame},"key":"${digest}"}`, 'DUPLICATE_KEY'],
    ['B: a fraction', `{${frame},"n":1.5}`, 'NUMBER_OUT_OF_PROFILE'],
    ['B: a lone surrogate', String.raw`{${frame},"n":"\ud800"}`, 'TEXT_ENCODING'],
    ['B: a trailing comma', `{${frame},}`, 'JSON_SYNTAX'],
    ['B: nothing', '', 'JSON_SYNTAX'],
    ['B: too deep', '['.repeat(40) + ']'.repeat(40), 'LIMIT_EXCEEDED'],
    ['H04: "approved": true', `{${frame},"approved":true}`, 'UNKNOWN_MEMBER'],
    ['a member too few', `{"payload":"e30","key":"${digest}"}`, 'SCHEMA_INVALID'],
    ['an array', '[]', 'SCHEMA_INVALID'],
    ['null', 'null', 'SCHEMA_INVALID'],
    ['__proto__', `{${frame},"__proto__":{"approved":true}}`, 'UNKNOWN_MEMBER'],
  ])('%s', async (_name, raw, code) => {
    const sent = await bench.send({
      method: 'POST',
      url: '/v1/requests',
      raw,
      headers: { 'content-type': 'application/json' },
    });
    expect(sent.body['code']).toBe(code);
    expect(sent.status).toBe(code === 'LIMIT_EXCEEDED' ? 413 : 400);
    expect(bench.ledger.submissions).toHaveLength(0);
  });

  test('beyond 128 KiB is BODY_TOO_LARGE', async () => {
    const sent = await bench.post('/v1/requests', { payload: 'A'.repeat(131_072) });
    expect([sent.status, sent.body['code']]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    '%s, which a page may send without asking, is MEDIA_TYPE_UNSUPPORTED',
    async (type) => {
      const sent = await bench.send({
        method: 'POST',
        url: '/v1/requests',
        raw: '{}',
        headers: { 'content-type': type },
      });
      expect([sent.status, sent.body['code']]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
    },
  );
});

describe('a decision', () => {
  test('by a passkey binds, and its binding comes with it', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const sent = await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    expect(sent.status).toBe(201);
    expect(sent.body).toMatchObject({ status: 'bound', entry: { type: 'decision-accepted' } });
    expect(sent.body['followed']).toMatchObject([{ entry: { type: 'binding-made' } }]);
  });

  test('after the end is LATE_DECISION', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const denial = await bench.post(
      '/v1/decisions',
      await bench.decisionOf(actionId, passkey, { verdict: 'deny' }),
    );
    expect(denial.body['status']).toBe('denied');
    const late = await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    expect([late.status, late.body['code']]).toEqual([409, 'LATE_DECISION']);
  });

  test.each([
    ['absent', undefined],
    ['null', null],
  ])('D06: with a proof that is %s is NO_HUMAN_PROOF, whoever it names', async (_name, proof) => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const whole = await bench.decisionOf(actionId, passkey);
    const decision = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== 'proof'));
    const sent = await bench.post(
      '/v1/decisions',
      proof === undefined ? decision : { ...decision, proof },
    );
    expect([sent.status, sent.body['code']]).toEqual([401, 'NO_HUMAN_PROOF']);
    expect((await bench.read(`/v1/actions/${actionId}`)).body['status']).toBe('pending');
  });

  test.each<[string, Json]>([
    ['that is text', 'approved'],
    ['that says so itself', { kind: 'webauthn', approved: true }],
  ])('D06: with a proof %s is ASSERTION_INVALID', async (_name, proof) => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const decision = await bench.decisionOf(actionId, passkey);
    const sent = await bench.post('/v1/decisions', { ...decision, proof });
    expect([sent.status, sent.body['code']]).toEqual([401, 'ASSERTION_INVALID']);
    expect(textIn(sent.body, 'detail')).toMatch(/^ASSERTION_INVALID\(proof\): /);
  });

  test('D07: with the assertion of another decision is ASSERTION_INVALID', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const denial = await bench.decisionOf(actionId, passkey, { verdict: 'deny' });
    const approval = await bench.decisionOf(actionId, passkey);
    const sent = await bench.post('/v1/decisions', { ...approval, proof: denial['proof'] ?? null });
    expect([sent.status, sent.body['code']]).toEqual([401, 'ASSERTION_INVALID']);
  });

  test('H04: with "approved": true beside or inside is UNKNOWN_MEMBER', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const decision = await bench.decisionOf(actionId, passkey);
    const statement = { ...(decision['statement'] as JsonObject), approved: true };
    for (const body of [
      { ...decision, approved: true },
      { ...decision, statement },
    ]) {
      const sent = await bench.post('/v1/decisions', body);
      expect([sent.status, sent.body['code']]).toEqual([400, 'UNKNOWN_MEMBER']);
    }
    expect((await bench.read(`/v1/actions/${actionId}`)).body['status']).toBe('pending');
  });

  test('D14: no GET decides, whatever its address says, signed in or not', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { headers } = await bench.signIn(passkey);
    const { actionId } = await bench.request();
    const decision = encodeURIComponent(canonicalText(await bench.decisionOf(actionId, passkey)));
    const before = bench.ledger.size;
    for (const url of [
      `/v1/decisions?${decision}`,
      `/v1/actions/${actionId}?verdict=approve`,
      `/v1/actions/${actionId}/approve`,
      `/action/${actionId}?approve=1`,
      `/v1/actions/${actionId}/review`,
    ]) {
      await bench.send({ url, headers });
      await bench.send({
        url: url,
        headers: { ...headers, 'x-http-method-override': 'POST' },
      });
    }
    expect(bench.ledger.size).toBe(before);
    expect((await bench.read(`/v1/actions/${actionId}`)).body['status']).toBe('pending');
  });
});

describe('uses, reports, erasures', () => {
  async function bound(): Promise<string> {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    return actionId;
  }

  function use(actionId: string, useId: string): Json {
    const payload = { tenant: TENANT, action_id: actionId, use_id: useId };
    return signedFrame('use', payload, bench.ledger.executor);
  }

  test('one use is taken, the next is ALREADY_CONSUMED, the first again is as before', async () => {
    const actionId = await bound();
    const first = await bench.post('/v1/uses', use(actionId, ID));
    expect([first.status, first.body['status']]).toEqual([201, 'used']);
    const second = await bench.post('/v1/uses', use(actionId, '01JDA5C8000000000000000002'));
    expect([second.status, second.body['code']]).toEqual([409, 'ALREADY_CONSUMED']);
    const again = await bench.post('/v1/uses', use(actionId, ID));
    expect([again.status, again.body['entry']]).toEqual([200, first.body['entry']]);
  });

  test('a use before the decision is NOT_BOUND', async () => {
    const { actionId } = await bench.request();
    const sent = await bench.post('/v1/uses', use(actionId, ID));
    expect([sent.status, sent.body['code']]).toEqual([409, 'NOT_BOUND']);
  });

  test('a second report that says something else is REPORT_CONFLICT', async () => {
    const actionId = await bound();
    await bench.post('/v1/uses', use(actionId, ID));
    const report = (result: string): Json =>
      signedFrame(
        'report',
        { tenant: TENANT, action_id: actionId, use_id: ID, result },
        bench.ledger.executor,
      );
    expect((await bench.post('/v1/reports', report('succeeded'))).status).toBe(201);
    expect((await bench.post('/v1/reports', report('succeeded'))).status).toBe(200);
    const other = await bench.post('/v1/reports', report('failed'));
    expect([other.status, other.body['code']]).toEqual([409, 'REPORT_CONFLICT']);
  });

  test('a finding is answered by its entry, as one that was taken, and listed newest first', async () => {
    const { operator } = bench.ledger;
    const finding = (code: string): Json =>
      signedFrame('finding', { tenant: TENANT, finding: code }, operator);
    const sent = await bench.post('/v1/findings', finding('UNBOUND_EXECUTION'));
    expect([sent.status, sent.body['entry']]).toEqual([
      201,
      expect.objectContaining({ type: 'finding-raised' }),
    ]);
    const again = await bench.post('/v1/findings', finding('UNBOUND_EXECUTION'));
    expect([again.status, again.body['entry']]).toEqual([200, sent.body['entry']]);
    const next = await bench.post('/v1/findings', finding('DUPLICATE_EFFECT'));
    const first = await bench.read('/v1/findings?limit=1');
    expect(first.body['findings']).toEqual([next.body['entry']]);
    const rest = await bench.readAs(
      operator,
      `/v1/findings?limit=1&cursor=${textIn(first.body, 'cursor')}`,
    );
    expect(rest.body['findings']).toEqual([sent.body['entry']]);
    const refused = await bench.post('/v1/findings', finding('NOT_ELIGIBLE'));
    expect([refused.status, refused.body['code']]).toEqual([403, 'NOT_ELIGIBLE']);
    const odd = await bench.read('/v1/findings?cursor=-1');
    expect([odd.status, odd.body['code']]).toEqual([400, 'SCHEMA_INVALID']);
  });

  test('after an erasure the review is CONTENT_ERASED', async () => {
    const actionId = await bound();
    const order = { tenant: TENANT, action_id: actionId };
    const sent = await bench.post(
      '/v1/erasures',
      signedFrame('erasure', order, bench.ledger.operator),
    );
    expect(sent.status).toBe(201);
    const review = await bench.read(`/v1/actions/${actionId}/review`);
    expect([review.status, review.body['code']]).toEqual([410, 'CONTENT_ERASED']);
    expect(review.body['entry']).toMatchObject({ type: 'content-erased' });
    expect(textIn(review.body, 'receipt')).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
    const { body } = await bench.read(`/v1/actions/${actionId}`);
    expect(body).toMatchObject({ erased: true, decisions: [{ rationale: null }] });
  });
});

describe('a ledger that cannot', () => {
  test('take an input: INTAKE_UNAVAILABLE, with the digest to ask for', async () => {
    bench.ledger.isAway = true;
    const { sent } = await bench.request();
    expect([sent.status, sent.body['code']]).toEqual([503, 'INTAKE_UNAVAILABLE']);
    expect(textIn(sent.body, 'input')).toMatch(/^sha256:/);
    expect(sent.headers['retry-after']).toBe('1');
  });

  test('go on at all: WRITER_UNAVAILABLE, and nothing is taken', async () => {
    bench.health = {
      writer: { state: 'stopped', code: 'CLOCK_JUMP' },
      sealedSize: 1,
      sealedAtMs: 0,
      projectedSize: 1,
      bindings: 0,
    };
    const { sent } = await bench.request();
    expect([sent.status, sent.body['code']]).toEqual([503, 'WRITER_UNAVAILABLE']);
    expect(bench.ledger.submissions).toHaveLength(0);
  });
});
