import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canonicalText, type Json } from '@countersign/canonical';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayBench, READ_TOKEN, textIn } from './testing/gateway-bench.ts';
import { signedFrame } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
beforeEach(async () => {
  bench = await GatewayBench.start();
});
afterEach(async () => {
  await bench.close();
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function waiters(): Promise<string | undefined> {
  const { text } = await bench.send({ url: '/metrics' });
  return /^countersign_waiters (\d+)$/m.exec(text)?.[1];
}

/** A real connection, which a test can cut. */
async function connect(url: string, body?: Json, lastEventId?: string): Promise<ClientRequest> {
  if (!bench.app.server.listening) await bench.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = bench.app.server.address() as AddressInfo;
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    path: url,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      host: 'localhost:7420',
      authorization: `Bearer ${READ_TOKEN}`,
      'content-type': 'application/json',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  });
  request.on('error', () => undefined);
  request.end(body === undefined ? undefined : canonicalText(body));
  return request;
}

describe('an answer that takes its time', () => {
  test('is 202 with the digest to ask for, then comes by the digest', async () => {
    bench.ledger.isHeld = true;
    const frame = signedFrame('request', bench.ledger.actionOf(), bench.ledger.agent);
    const sent = await bench.post('/v1/requests?wait_ms=20', frame);
    expect([sent.status, sent.body['status']]).toEqual([202, 'pending']);
    const url = `/v1/inputs/${textIn(sent.body, 'input')}`;
    expect((await bench.send({ url })).status).toBe(202);
    const waiting = bench.send({ url: `${url}?wait_ms=5000` });
    await until(() => bench.ledger.waiters === 1);
    await bench.ledger.release();
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(answer.body['entry']).toMatchObject({ type: 'request-admitted' });
    expect((await bench.post('/v1/requests', frame)).status).toBe(200);
  });

  test('nobody learns by asking whether a digest was ever sent', async () => {
    bench.ledger.isHeld = true;
    const frame = signedFrame('request', bench.ledger.actionOf(), bench.ledger.agent);
    const { body } = await bench.post('/v1/requests?wait_ms=0', frame);
    const never = `sha256:${'0'.repeat(64)}`;
    const asked = await bench.send({ url: `/v1/inputs/${never}` });
    expect(asked.status).toBe(202);
    expect(asked.text).toBe(canonicalText({ ...body, input: never }));
  });

  test('waits no longer than 30 s, whatever is asked', async () => {
    const frame = signedFrame('request', bench.ledger.actionOf(), bench.ledger.agent);
    const sent = await bench.post('/v1/requests?wait_ms=30001', frame);
    expect([sent.status, sent.body['code']]).toEqual([400, 'SCHEMA_INVALID']);
  });
});

describe('a long poll of an action', () => {
  test('answers at once what is new, waits for what is not, and tells when it comes', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const now = await bench.read(`/v1/actions/${actionId}?since=0&wait_ms=5000`);
    expect(now.body['last_index']).toBe(1);
    const waiting = bench.read(`/v1/actions/${actionId}?since=1&wait_ms=5000`);
    await until(() => bench.ledger.waiters === 1);
    await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    const { body } = await waiting;
    expect(body).toMatchObject({ status: 'bound', last_index: 3 });
    expect(body['entries']).toHaveLength(3);
    const over = await bench.read(`/v1/actions/${actionId}?since=3&wait_ms=20`);
    expect(over.body['last_index']).toBe(3);
  });

  test('C18: cut, approved meanwhile, asked again: the approval is there', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const poll = await connect(`/v1/actions/${actionId}?since=1&wait_ms=30000`);
    await until(() => bench.ledger.waiters === 1);
    expect(await waiters()).toBe('1');
    poll.destroy();
    await until(async () => (await waiters()) === '0');
    await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    const again = await bench.read(`/v1/actions/${actionId}?since=1&wait_ms=30000`);
    expect(again.body).toMatchObject({ status: 'bound', last_index: 3 });
  });

  test('C18: a request whose connection is cut is admitted, and found by its id', async () => {
    bench.ledger.isHeld = true;
    const action = bench.ledger.actionOf();
    const frame = signedFrame('request', action, bench.ledger.agent);
    const sending = await connect('/v1/requests', frame);
    await until(() => bench.ledger.submissions.length === 1);
    sending.destroy();
    await bench.ledger.release();
    const url = `/v1/actions/${textIn(action, 'action_id')}`;
    expect((await bench.readAs(bench.ledger.agent, url)).body['status']).toBe('pending');
    expect((await bench.post('/v1/requests', frame)).status).toBe(200);
  });
});

/** The events of a stream as they come, from a real connection. */
async function stream(
  url: string,
  lastEventId?: string,
): Promise<{
  status: number;
  heard: () => string;
  request: ClientRequest;
  ended: Promise<unknown>;
}> {
  const request = await connect(url, undefined, lastEventId);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => (text += chunk));
  response.on('error', () => undefined);
  const ended = new Promise((resolve) => response.once('close', resolve));
  return { status: response.statusCode ?? 0, heard: () => text, request, ended };
}

describe('a stream of events', () => {
  test('tells how the action stands, and again at each entry', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const watched = await stream(`/v1/actions/${actionId}/events`);
    await until(() => watched.heard().includes('\n\n'));
    expect(watched.heard()).toMatch(/^id: 1\nevent: action\ndata: \{.*"status":"pending".*\}\n\n$/);
    await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    await until(() => watched.heard().includes('"status":"bound"'));
    expect(watched.heard()).toContain('\nid: 3\nevent: action\n');
    watched.request.destroy();
    await until(async () => (await waiters()) === '0');
  });

  test('C18: goes on behind the event that was heard last, and repeats none', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const first = await stream(`/v1/actions/${actionId}/events`);
    await until(() => first.heard().includes('id: 1\n'));
    first.request.destroy();
    await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey));
    const again = await stream(`/v1/actions/${actionId}/events`, '1');
    await until(() => again.heard().includes('\n\n'));
    expect(again.heard()).toMatch(/^id: 3\n/);
    again.request.destroy();
    const wrong = await stream(`/v1/actions/${actionId}/events`, 'yesterday');
    expect(wrong.status).toBe(400);
  });

  test('takes a seat of its reader, ends by itself, and ends with the gateway', async () => {
    await bench.close();
    bench = await GatewayBench.start({ limits: { waitersPerSender: 2, watchMs: 500 } });
    const { actionId } = await bench.request();
    const url = `/v1/actions/${actionId}/events`;
    const [one, two] = [await stream(url), await stream(url)];
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(await waiters()).toBe('2');
    const third = await bench.read(url);
    expect([third.status, third.body['code']]).toEqual([429, 'TOO_MANY_WAITERS']);
    bench.ledger.nowMs += 500;
    await Promise.all([one.ended, two.ended]);
    expect(await waiters()).toBe('0');
    const last = await stream(url);
    await Promise.all([last.ended, bench.app.close()]);
  });
});

describe('shutdown', () => {
  test('tells everybody who waits SHUTTING_DOWN; the input is not lost', async () => {
    bench.ledger.isHeld = true;
    const frame = signedFrame('request', bench.ledger.actionOf(), bench.ledger.agent);
    const waiting = await connect('/v1/requests?wait_ms=30000', frame);
    const answered = once(waiting, 'response') as Promise<[IncomingMessage]>;
    await until(() => bench.ledger.waiters === 1);
    const closing = bench.app.close();
    const [response] = await answered;
    response.resume();
    expect([response.statusCode, response.headers['connection']]).toEqual([503, 'close']);
    await closing;
    await bench.ledger.release();
    expect(bench.ledger.size).toBe(2);
  });
});
