import { afterEach, describe, expect, test } from 'vitest';
import { GATEWAY_LIMITS, type GatewayLimits } from '../src/index.ts';
import { GatewayBench, type Sent } from './testing/gateway-bench.ts';
import { machine } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
afterEach(async () => {
  await bench.close();
});

async function startWith(limits: Partial<GatewayLimits>): Promise<void> {
  bench = await GatewayBench.start({ limits });
}

function refusal(sent: Sent): unknown[] {
  return [sent.status, sent.body['code']];
}

describe('rate limits', () => {
  test('writesPerMinute: a sender too eager is RATE_LIMITED, and others are not', async () => {
    await startWith({ writesPerMinute: 2 });
    const { agent, otherAgent } = bench.ledger;
    await bench.request(agent);
    await bench.request(agent);
    const { sent } = await bench.request(agent);
    expect(refusal(sent)).toEqual([429, 'RATE_LIMITED']);
    expect(Number(sent.headers['retry-after'])).toBeGreaterThan(0);
    expect((await bench.request(otherAgent)).sent.status).toBe(201);
  });

  test('perAddressPerMinute: new names do not help, nor do addresses that are not there', async () => {
    await startWith({ perAddressPerMinute: 3 });
    await bench.request(machine('agent:1'));
    await bench.request(machine('agent:2'));
    await bench.send({ url: '/nothing' });
    expect(refusal((await bench.request(machine('agent:3'))).sent)).toEqual([429, 'RATE_LIMITED']);
    expect(refusal(await bench.send({ url: '/nothing' }))).toEqual([429, 'RATE_LIMITED']);
  });

  test('readsPerMinute: counts by reader', async () => {
    await startWith({ readsPerMinute: 1 });
    await bench.read('/v1/inbox');
    expect(refusal(await bench.read('/v1/inbox'))).toEqual([429, 'RATE_LIMITED']);
    expect((await bench.readAs(bench.ledger.operator, '/v1/inbox')).status).toBe(200);
  });

  test('ceremoniesPerMinute: bounds sign-in and enrolment', async () => {
    await startWith({ ceremoniesPerMinute: 2 });
    await bench.post('/v1/session/options', {});
    await bench.post('/v1/session/options', {});
    expect(refusal(await bench.post('/v1/session/options', {}))).toEqual([429, 'RATE_LIMITED']);
    expect(refusal(await bench.post('/v1/enrolments/options', {}))).toEqual([429, 'RATE_LIMITED']);
  });
});

describe('memory', () => {
  test('challenges: what is open stays good, and no more are opened', async () => {
    await startWith({ challenges: 2, ceremoniesPerMinute: 100 });
    const passkey = await bench.ledger.enrolPasskey();
    await bench.post('/v1/session/options', {});
    await bench.post('/v1/session/options', {});
    expect(refusal(await bench.post('/v1/session/options', {}))).toEqual([
      429,
      'TOO_MANY_CHALLENGES',
    ]);
    bench.ledger.nowMs += GATEWAY_LIMITS.challengeMs;
    expect((await bench.signIn(passkey)).sent.status).toBe(201);
  });

  test('sessionsPerPerson: the oldest of that person ends', async () => {
    await startWith({ sessionsPerPerson: 2 });
    const passkey = await bench.ledger.enrolPasskey();
    const sessions = [];
    for (let i = 0; i < 3; i += 1) sessions.push(await bench.signIn(passkey));
    const open = await Promise.all(
      sessions.map(({ headers }) => bench.send({ url: '/v1/session', headers })),
    );
    expect(open.map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  test('nonces: when no more can be remembered, a signed read is refused, never unchecked', async () => {
    await startWith({ nonces: 1 });
    const { operator } = bench.ledger;
    expect((await bench.readAs(operator, '/v1/inbox')).status).toBe(200);
    expect(refusal(await bench.readAs(operator, '/v1/inbox'))).toEqual([
      401,
      'HTTP_SIGNATURE_INVALID',
    ]);
  });

  test('waiters: beyond them TOO_MANY_WAITERS, with the input taken all the same', async () => {
    await startWith({ waiters: 1 });
    bench.ledger.isHeld = true;
    const first = bench.request();
    while (bench.ledger.waiters === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await bench.request();
    expect(refusal(second.sent)).toEqual([429, 'TOO_MANY_WAITERS']);
    expect(bench.ledger.submissions).toHaveLength(2);
    await bench.ledger.release();
    expect((await first).sent.status).toBe(201);
    expect((await bench.post('/v1/requests', second.frame)).status).toBe(200);
  });

  test('waitersPerSender: one sender does not take all the seats', async () => {
    await startWith({ waitersPerSender: 1 });
    bench.ledger.isHeld = true;
    const first = bench.request();
    while (bench.ledger.waiters === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(refusal((await bench.request()).sent)).toEqual([429, 'TOO_MANY_WAITERS']);
    const other = bench.request(bench.ledger.otherAgent);
    while (bench.ledger.waiters === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await bench.ledger.release();
    expect((await first).sent.status).toBe(201);
    expect((await other).sent.status).toBe(201);
  });
});
