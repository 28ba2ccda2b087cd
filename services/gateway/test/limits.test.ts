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

  test('waitersPerAddress: neither many names nor many digests take more than its share', async () => {
    await startWith({ waitersPerAddress: 2 });
    bench.ledger.isHeld = true;
    const named = bench.request(machine('agent:1'));
    await seated(1);
    const asked = bench.send({ url: inputUrl('1') });
    await seated(2);
    expect(refusal(await bench.send({ url: inputUrl('2') }))).toEqual([429, 'TOO_MANY_WAITERS']);
    expect(refusal((await bench.request(machine('agent:2'))).sent)).toEqual([
      429,
      'TOO_MANY_WAITERS',
    ]);
    const elsewhere = bench.send({ url: inputUrl('3'), from: '192.0.2.7' });
    await seated(3);
    await bench.app.close();
    const told = await Promise.all([named.then(({ sent }) => sent), asked, elsewhere]);
    expect(told.map(({ status }) => status)).toEqual([503, 503, 503]);
  });

  test('waitersPerAddress: who has one address of an IPv6 network has them all', async () => {
    await startWith({ waitersPerAddress: 1 });
    bench.ledger.isHeld = true;
    const first = bench.send({ url: inputUrl('1'), from: '2001:db8::1' });
    await seated(1);
    const neighbour = bench.send({ url: inputUrl('2'), from: '2001:db8::2' });
    expect(refusal(await neighbour)).toEqual([429, 'TOO_MANY_WAITERS']);
    const stranger = bench.send({ url: inputUrl('3'), from: '2001:db8:0:1::1' });
    await seated(2);
    await bench.app.close();
    expect([(await first).status, (await stranger).status]).toEqual([503, 503]);
  });

  test('waitersUnproven: who has proved who they are finds a seat in any crowd', async () => {
    await startWith({ waiters: 3, waitersUnproven: 1 });
    const { actionId } = await bench.request();
    bench.ledger.isHeld = true;
    const crowd = bench.send({ url: inputUrl('1') });
    await seated(1);
    const stranger = await bench.send({ url: inputUrl('2'), from: '192.0.2.7' });
    expect(refusal(stranger)).toEqual([429, 'TOO_MANY_WAITERS']);
    expect(Number(stranger.headers['retry-after'])).toBeGreaterThan(0);
    const reader = bench.read(`/v1/actions/${actionId}?since=99&wait_ms=30000`);
    await seated(2);
    await bench.app.close();
    expect([(await crowd).status, (await reader).status]).toEqual([503, 503]);
  });
});

function inputUrl(digit: string): string {
  return `/v1/inputs/sha256:${digit.repeat(64)}?wait_ms=30000`;
}

async function seated(count: number): Promise<void> {
  while (bench.ledger.waiters < count) await new Promise((resolve) => setTimeout(resolve, 5));
}
