import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayBench, READ_TOKEN } from './testing/gateway-bench.ts';
import { PUBLIC_ORIGIN } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-page-'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'assets', 'app.js'), 'export {};');
  await writeFile(join(folder, 'assets', '.secret'), 'no');
  await writeFile(join(folder, 'build.js'), 'no');
  bench = await GatewayBench.start({ pageFolder: folder, moreHosts: ['10.0.0.7:7420'] });
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true });
});

describe('DNS rebinding', () => {
  test.each([
    'evil.test:7420',
    'localhost',
    'localhost:7421',
    '127.0.0.1:7420',
    'localhost:7420.evil.test',
    '',
  ])('Host %s is HOST_NOT_ALLOWED, for pages, reads and writes alike', async (host) => {
    for (const url of ['/', '/v1/ledger', '/v1/inbox', '/metrics', '/nothing']) {
      const sent = await bench.send({ url, headers: { host } });
      expect([url, sent.status, sent.body['code']]).toEqual([url, 421, 'HOST_NOT_ALLOWED']);
    }
    const post = await bench.send({
      method: 'POST',
      url: '/v1/requests',
      raw: '{}',
      headers: { host },
    });
    expect(post.body['code']).toBe('HOST_NOT_ALLOWED');
  });

  test('our own hosts pass, in any case', async () => {
    for (const host of ['localhost:7420', 'LOCALHOST:7420', '10.0.0.7:7420']) {
      expect((await bench.send({ url: '/v1/ledger', headers: { host } })).status).toBe(200);
    }
  });

  test('probes may come by address, and learn nothing', async () => {
    const sent = await bench.send({ url: '/healthz', headers: { host: '10.1.1.1' } });
    expect([sent.status, sent.text]).toEqual([200, '{"status":"ok"}']);
  });
});

describe('pages elsewhere', () => {
  test.each(['https://evil.test', 'null', 'http://localhost:7421', 'https://localhost:7420'])(
    'of origin %s may write nothing',
    async (origin) => {
      const sent = await bench.post('/v1/requests', {}, { origin });
      expect([sent.status, sent.body['code']]).toEqual([403, 'ORIGIN_NOT_ALLOWED']);
    },
  );

  test('get no CORS answer, preflight included', async () => {
    const sent = await bench.app.inject({
      method: 'OPTIONS',
      url: '/v1/decisions',
      headers: {
        host: 'localhost:7420',
        origin: 'https://evil.test',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-countersign,content-type',
      },
    });
    expect(sent.statusCode).toBeGreaterThanOrEqual(400);
    const read = await bench.send({ url: '/v1/ledger', headers: { origin: 'https://evil.test' } });
    for (const headers of [sent.headers, read.headers]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test('our own page may write', async () => {
    const sent = await bench.post('/v1/requests', {}, { origin: PUBLIC_ORIGIN });
    expect(sent.body['code']).toBe('SCHEMA_INVALID');
  });
});

describe('the page', () => {
  test.each(['/', '/action/01JDA5C8000000000000000001', '/enrol'])('%s is served', async (url) => {
    const sent = await bench.send({ url });
    expect([sent.status, sent.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });

  test('E11: nothing foreign runs in it, and nobody frames it', async () => {
    for (const url of ['/', '/assets/app.js', '/v1/ledger', '/nothing']) {
      const { headers } = await bench.send({ url });
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';frame-ancestors 'none';base-uri 'none';form-action 'none'",
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
      expect(headers['strict-transport-security']).toBeUndefined();
    }
  });

  test.each([
    '/.secret',
    '/assets/.secret',
    '/build.js',
    '/assets/../build.js',
    '/assets/%2e%2e/build.js',
    '/assets/../.secret',
    '/assets/%2e%2e/.secret',
    '/assets/',
    '/..%2f..%2fetc/passwd',
  ])('%s is not there', async (url) => {
    const sent = await bench.send({ url });
    expect(sent.status).toBeGreaterThanOrEqual(400);
    expect(sent.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  test('answers of the API are not stored', async () => {
    expect((await bench.send({ url: '/v1/ledger' })).headers['cache-control']).toBe('no-store');
  });
});

describe('addresses', () => {
  test.each(['/v1/nothing', '/v1/requests', '/v1/actions/%ff', '/v1/actions/%00'])(
    'GET %s is a problem',
    async (url) => {
      const sent = await bench.send({ url });
      expect(['NOT_FOUND', 'REQUEST_MALFORMED', 'AUTH_REQUIRED']).toContain(sent.body['code']);
      expect(sent.status).toBeLessThan(500);
    },
  );
});

describe('over https', () => {
  test('the cookie is Secure and the browser is told to stay', async () => {
    const secure = await GatewayBench.start({ publicOrigins: ['https://sign.example.com'] });
    const host = 'sign.example.com';
    const { headers } = await secure.send({ url: '/v1/ledger', headers: { host } });
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
    const out = await secure.send({ method: 'DELETE', url: '/v1/session', headers: { host } });
    expect(out.headers['set-cookie']).toMatch(/; Secure$/);
    await secure.close();
  });
});

describe('the log file', () => {
  test('holds routes and codes; no token, cookie, address or id', async () => {
    const { frame, actionId } = await bench.request();
    const passkey = await bench.ledger.enrolPasskey();
    const { headers } = await bench.signIn(passkey);
    await bench.read(`/v1/actions/${actionId}`);
    await bench.send({ url: `/v1/actions/${actionId}?x=1`, headers });
    const log = bench.logged.join('');
    expect(log).toContain('/v1/actions/:id');
    expect(log).toContain('UNKNOWN_MEMBER');
    const [, token = ''] = headers['cookie']?.split('=') ?? [];
    for (const secret of [
      READ_TOKEN,
      token,
      actionId,
      passkey.credentialId,
      JSON.stringify(frame),
      '127.0.0.1',
    ]) {
      expect(log.includes(secret)).toBe(false);
    }
  });
});
