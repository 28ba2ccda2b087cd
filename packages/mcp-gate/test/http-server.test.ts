import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestId } from '../src/client-message.ts';
import { httpServer } from '../src/http-server.ts';
import type { ServerEnd } from '../src/server-end.ts';

const servers: Server[] = [];
let end: ServerEnd | undefined;

afterEach(async () => {
  await end?.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Connected {
  readonly end: ServerEnd;
  readonly requests: IncomingMessage[];
  readonly messages: string[];
  readonly ended: RequestId[];
}

/** An end of the gate, and a server that answers as it is told. */
async function connected(
  answer: (response: ServerResponse) => void,
  withinMs?: number,
): Promise<Connected> {
  const requests: IncomingMessage[] = [];
  const listening = createServer((request, response) => {
    requests.push(request);
    request.resume().once('end', () => {
      answer(response);
    });
  });
  servers.push(listening);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const [messages, ended]: [string[], RequestId[]] = [[], []];
  const upstream = { url: `http://127.0.0.1:${port}/mcp`, authorization: 'Bearer of-the-gate' };
  end = httpServer(upstream, withinMs)(
    {
      onMessage: (text) => messages.push(text),
      onStreamEnd: (about) => ended.push(about),
      onEnd: () => undefined,
    },
    { authorization: 'Bearer of-the-client' },
  );
  return { end, requests, messages, ended };
}

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the way to a server over HTTP', () => {
  it('keeps the session that the server gives, and authenticates with what the gate has', async () => {
    const at = await connected((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's1' });
      response.end('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}');
    });
    await at.end.send('{"jsonrpc":"2.0","id":1,"method":"initialize"}', 1);
    await until(() => at.ended.length === 1);
    await at.end.send('{"jsonrpc":"2.0","id":2,"method":"ping"}', 2);
    expect(at.messages[0]).toContain('2025-11-25');
    expect(at.requests[0]?.headers).not.toHaveProperty('mcp-session-id');
    expect(at.requests[1]?.headers).toMatchObject({
      authorization: 'Bearer of-the-gate',
      'mcp-session-id': 's1',
      'mcp-protocol-version': '2025-11-25',
    });
  });

  it('UPSTREAM_FAILED when the server does not take a message, or would send it elsewhere', async () => {
    for (const status of [401, 404, 307, 500]) {
      const at = await connected((response) =>
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(),
      );
      await expect(at.end.send('{}', 1)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
      await at.end.close();
    }
  });

  it('tells that a stream is over, also one that was cut', async () => {
    const at = await connected((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\ndata: {"half');
      setTimeout(() => response.destroy(), 20);
    });
    await at.end.send('{"jsonrpc":"2.0","id":"a","method":"tools/call"}', 'a');
    await until(() => at.ended.length === 1);
    expect(at.messages).toEqual(['{"jsonrpc":"2.0","method":"notifications/message"}']);
    expect(at.ended).toEqual(['a']);
  });

  it('gives up on a server that does not begin an answer, or only ever goes on with it', async () => {
    const silent = await connected(() => undefined, 200);
    await expect(silent.end.send('{}', 1)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
    await silent.end.close();
    const dripping = await connected((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 20);
      response.once('close', () => {
        clearInterval(drip);
      });
    }, 200);
    await dripping.end.send('{}', 1);
    await until(() => dripping.ended.length === 1);
    expect(dripping.messages).toEqual([]);
  });

  it('listens to a stream for as long as the server wants', async () => {
    const at = await connected((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      setTimeout(() => response.end('data: {"late":true}\n\n'), 600);
    }, 100);
    await at.end.send('{}', 1);
    await until(() => at.ended.length === 1);
    expect(at.messages).toEqual(['{"late":true}']);
  });
});
