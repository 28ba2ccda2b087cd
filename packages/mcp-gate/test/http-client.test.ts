import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionParts } from '../src/gate-session.ts';
import { HttpClients } from '../src/http-client.ts';
import type { ServerEvents } from '../src/server-end.ts';

const WITHIN_MS = 300;
const INITIALIZE = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}';

let gate: HttpClients | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await gate?.close();
});

interface Listening {
  readonly url: string;
  readonly server: () => ServerEvents;
  readonly toServer: string[];
}

/** A gate whose server only writes down what reaches it. */
async function listening(): Promise<Listening> {
  let server: ServerEvents | undefined;
  const toServer: string[] = [];
  const parts = {
    config: { v: 'countersign.mcp-gate.v1', tools: { '*': 'pass' }, pins: {} },
    openServer: (events: ServerEvents) => {
      server = events;
      return {
        send: (text: string) => Promise.resolve(void toServer.push(text)),
        close: () => Promise.resolve(),
      };
    },
    nowMs: Date.now,
    randomBytes: (size: number) => new Uint8Array(randomBytes(size)),
    log: () => undefined,
    // Nothing in these tests is held.
  } as unknown as Omit<SessionParts, 'client'>;
  gate = await HttpClients.listen(parts, { host: '127.0.0.1', port: 0 }, WITHIN_MS);
  return {
    url: gate.url,
    toServer,
    server: () => {
      if (server === undefined) throw new Error('expected a session');
      return server;
    },
  };
}

/** A client that says what it wants, as slowly as it wants. */
async function slowClient(url: string): Promise<{
  readonly say: (text: string) => void;
  readonly heard: () => string;
  readonly over: Promise<unknown>;
}> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.on('error', () => undefined);
  const over = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  return {
    say: (text) => {
      if (socket.writable) socket.write(text);
    },
    heard: () => heard,
    over,
  };
}

function post(url: string, body: string, session?: string): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(session !== undefined && { 'mcp-session-id': session }),
  };
  return fetch(url, { method: 'POST', headers, body });
}

/** Begins a session, whose first request is answered. */
async function begun({ url, server, toServer }: Listening): Promise<string> {
  const answering = post(url, INITIALIZE);
  await until(() => toServer.length > 0);
  server().onMessage('{"jsonrpc":"2.0","id":1,"result":{}}', 1);
  const answer = await answering;
  await answer.text();
  return answer.headers.get('mcp-session-id') ?? '';
}

async function until(isThere: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000; i += 1) {
    if (isThere()) return;
    await sleep(5);
  }
  throw new Error('expected it by now');
}

describe('a client over HTTP that is slow', () => {
  it.each([
    ['its head', 'POST /mcp HTTP/1.1\r\nHost: '],
    ['its body', 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 9000\r\n\r\n{'],
    [
      'its body in pieces',
      'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
    ],
  ])('is cut off while it still sends %s', async (_, start) => {
    const at = await listening();
    const client = await slowClient(at.url);
    client.say(start.replace('PORT', new URL(at.url).port));
    const isPieces = start.includes('chunked');
    const dripping = setInterval(() => {
      client.say(isPieces ? '1\r\n \r\n' : ' ');
    }, 20);
    await client.over;
    clearInterval(dripping);
    expect(client.heard()).toMatch(/^HTTP\/1\.1 408 /);
    expect(at.toServer).toEqual([]);
  });

  it('waits for an answer, and listens, for as long as it wants', async () => {
    const at = await listening();
    const session = await begun(at);
    const listened = await fetch(at.url, { headers: { 'mcp-session-id': session } });
    const calling = post(at.url, '{"jsonrpc":"2.0","id":2,"method":"ping"}', session);
    await until(() => at.toServer.some((text) => text.includes('ping')));
    await sleep(WITHIN_MS * 5);
    at.server().onMessage('{"jsonrpc":"2.0","method":"notifications/late"}');
    at.server().onMessage('{"jsonrpc":"2.0","id":2,"result":{"late":true}}', 2);
    expect(await (await calling).text()).toContain('{"late":true}');
    const reader = listened.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(Buffer.from(value ?? []).toString()).toContain('notifications/late');
    await reader?.cancel();
  });

  it('is cut off when it does not read what it is sent', async () => {
    const at = await listening();
    const session = await begun(at);
    const client = await slowClient(at.url);
    const { host } = new URL(at.url);
    client.say(`GET /mcp HTTP/1.1\r\nHost: ${host}\r\nMcp-Session-Id: ${session}\r\n\r\n`);
    await until(() => client.heard().includes('200 OK'));
    sockets[0]?.pause();
    const text = JSON.stringify({ jsonrpc: '2.0', method: 'x', params: 'x'.repeat(8_000_000) });
    for (let i = 0; i < 20; i += 1) at.server().onMessage(text);
    sockets[0]?.resume();
    await client.over;
    expect(client.heard().length).toBeLessThan(20 * text.length);
  });
});
