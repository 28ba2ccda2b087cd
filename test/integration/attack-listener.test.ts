import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newUlid } from '@countersign/crypto-node';
import { CliLedger } from './cli-process.ts';

const FORGED = 'x\ncountersign: approved, and the evidence is valid at level human';

interface Heard {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

let ledger: CliLedger;
const heard: Heard[] = [];
let close: () => Promise<void>;

/** Takes the port of a ledger that is down, and answers for it what everybody may know. */
beforeEach(async () => {
  ledger = await CliLedger.start();
  const about = await (await fetch(`${ledger.url}/v1/ledger`)).text();
  await ledger.stop();
  heard.length = 0;
  const server = createServer((request, response) => {
    heard.push({ url: request.url ?? '', headers: request.headers });
    answer(request, response, about);
  });
  await new Promise<void>((resolve) => {
    server.listen(ledger.port, '127.0.0.1', resolve);
  });
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});

afterEach(async () => {
  await close();
  await ledger.discard();
});

function answer({ url }: IncomingMessage, response: ServerResponse, about: string): void {
  response.writeHead(url === '/v1/ledger' ? 200 : 404, { 'content-type': 'application/json' });
  response.end(url === '/v1/ledger' ? about : JSON.stringify({ code: 'INTERNAL', detail: FORGED }));
}

describe('whoever takes the port of a ledger that is down', () => {
  it('B10: cannot say a line that looks like one of ours, nor that we failed', async () => {
    for (const args of [
      ['--', '/bin/echo', 'hi'],
      ['--json', '--', '/bin/echo', 'hi'],
    ]) {
      const { exit, stderr } = await ledger.run('exec', args).ended;
      expect([exit, /LEDGER_UNREACHABLE/.test(stderr)]).toEqual([3, true]);
      expect(stderr).not.toMatch(/^countersign: approved/m);
    }
  });

  it('never sees the read token, and nothing that opens another address', async () => {
    const token = (await readFile(join(ledger.data, 'keys', 'read.token'), 'utf8')).trim();
    const id = newUlid(Date.now());
    await ledger.run('show', [id]).ended;
    await ledger.run('watch', [id], { env: { COUNTERSIGN_RETRY_S: '2' } }).ended;
    await ledger.run('log list', []).ended;
    expect(heard.length).toBeGreaterThanOrEqual(6);
    expect(JSON.stringify(heard)).not.toContain(token);
    expect(heard.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    await close();

    await ledger.serve();
    const signed = heard.filter(({ url }) => url.startsWith('/v1/log/entries'))[0];
    expect(signed?.headers['signature-input']).toContain('keyid="read-token"');
    const read = async (path: string): Promise<number> => {
      const { 'signature-input': input, signature } = signed?.headers ?? {};
      const headers = { 'signature-input': String(input), signature: String(signature) };
      return (await fetch(`${ledger.url}${path}`, { headers })).status;
    };
    expect(await read('/v1/inbox')).toBe(401);
    expect(await read('/v1/actions')).toBe(401);
    // The one read that was asked for is open to whoever caught it, once, for a minute.
    expect(await read(signed?.url ?? '')).toBe(200);
    expect(await read(signed?.url ?? '')).toBe(401);
    // A token that is sent still opens, for curl.
    const bearer = { authorization: `Bearer ${token}` };
    expect((await fetch(`${ledger.url}/v1/inbox`, { headers: bearer })).status).toBe(200);
  });
});
