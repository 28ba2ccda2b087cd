import { SoftwarePasskey } from '@countersign/software-passkey';
import { digestOf, fromHex, type JsonObject } from '@countersign/canonical';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GatewayBench } from './testing/gateway-bench.ts';
import { PUBLIC_ORIGIN } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
let passkey: SoftwarePasskey;
beforeAll(async () => {
  bench = await GatewayBench.start({ limits: { ceremoniesPerMinute: 1_000 } });
});
beforeEach(async () => {
  passkey = await bench.ledger.enrolPasskey();
});
afterAll(async () => {
  await bench.close();
});

async function begin(): Promise<{ statement: JsonObject; challenge: Uint8Array }> {
  const { body } = await bench.post('/v1/session/options', {});
  const statement = body['statement'] as JsonObject;
  const digest = digestOf('countersign/session/v1', statement);
  return { statement, challenge: fromHex(digest.slice('sha256:'.length)) };
}

describe('a sign-in', () => {
  test('by passkey opens a session that reads everything of the tenant', async () => {
    const { sent, headers } = await bench.signIn(passkey);
    expect(sent.status).toBe(201);
    expect(sent.body).toMatchObject({ person: bench.ledger.person });
    expect(sent.headers['set-cookie']).toMatch(
      /^countersign_session=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/,
    );
    const { actionId } = await bench.request();
    expect((await bench.send({ url: `/v1/actions/${actionId}`, headers })).status).toBe(200);
    expect((await bench.send({ url: '/v1/inbox', headers })).status).toBe(200);
    const who = await bench.send({ url: '/v1/session', headers });
    expect(who.body).toMatchObject({ person: bench.ledger.person });
  });

  test.each<[string, Parameters<SoftwarePasskey['assert']>[1]]>([
    ['without user verification', { flags: 0x01 }],
    ['of another origin', { origin: 'http://localhost:9999' }],
    ['of another rpId', { rpId: 'evil.test' }],
    ['of a registration', { type: 'webauthn.create' }],
    ['from a frame of another site', { crossOrigin: true }],
    ['of another challenge', { challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
  ])('D07: by an assertion %s is ASSERTION_INVALID', async (_name, overrides) => {
    const { statement, challenge } = await begin();
    const proof = { ...passkey.assert(challenge, overrides) };
    const sent = await bench.post('/v1/session', { statement, proof });
    expect([sent.status, sent.body['code']]).toEqual([401, 'ASSERTION_INVALID']);
    expect(sent.headers['set-cookie']).toBeUndefined();
  });

  test('by a passkey that nobody enrolled is CREDENTIAL_UNKNOWN', async () => {
    const stranger = SoftwarePasskey.create({
      algorithm: 'ES256',
      rpId: 'localhost',
      origin: PUBLIC_ORIGIN,
    });
    const { sent } = await bench.signIn(stranger);
    expect([sent.status, sent.body['code']]).toEqual([401, 'CREDENTIAL_UNKNOWN']);
  });

  test('counts once, and not after five minutes, and not with a nonce of one’s own', async () => {
    const once = await begin();
    const proof = { ...passkey.assert(once.challenge) };
    expect((await bench.post('/v1/session', { statement: once.statement, proof })).status).toBe(
      201,
    );
    const again = await bench.post('/v1/session', { statement: once.statement, proof });
    expect([again.status, again.body['code']]).toEqual([401, 'CHALLENGE_INVALID']);

    const late = await begin();
    bench.ledger.nowMs += 300_000;
    const lateProof = { ...passkey.assert(late.challenge) };
    const sent = await bench.post('/v1/session', { statement: late.statement, proof: lateProof });
    expect(sent.body['code']).toBe('CHALLENGE_INVALID');

    const own = { ...late.statement, nonce: 'b'.repeat(43) };
    const ownProof = { ...passkey.assert(late.challenge) };
    const forged = await bench.post('/v1/session', { statement: own, proof: ownProof });
    expect(forged.body['code']).toBe('CHALLENGE_INVALID');
  });
});

describe('a session', () => {
  test('ends after eight hours, at sign-out, and with its credential', async () => {
    const { headers } = await bench.signIn(passkey);
    const status = async (): Promise<unknown> =>
      (await bench.send({ url: '/v1/session', headers })).body['code'] ?? 'open';
    bench.ledger.nowMs += 8 * 3_600_000 - 1;
    expect(await status()).toBe('open');
    bench.ledger.nowMs += 1;
    expect(await status()).toBe('SESSION_INVALID');

    const second = await bench.signIn(passkey);
    const out = await bench.send({
      method: 'DELETE',
      url: '/v1/session',
      headers: second.headers,
    });
    expect(out.status).toBe(204);
    expect(out.headers['set-cookie']).toContain('Max-Age=0');
    const after = await bench.send({ url: '/v1/session', headers: second.headers });
    expect(after.body['code']).toBe('SESSION_INVALID');

    const third = await bench.signIn(passkey);
    await bench.ledger.removeMember('credential', passkey.credentialId);
    const revoked = await bench.send({ url: '/v1/inbox', headers: third.headers });
    expect([revoked.status, revoked.body['code']]).toEqual([401, 'SESSION_INVALID']);
  });

  test('changes nothing without our header, from another page, or by a GET', async () => {
    const { headers } = await bench.signIn(passkey);
    const { cookie = '' } = headers;
    const attempt = async (sent: Record<string, string>): Promise<unknown> => {
      const url = '/v1/session';
      const { body } = await bench.send({ method: 'DELETE', url, headers: { cookie, ...sent } });
      return body['code'];
    };
    expect(await attempt({ origin: PUBLIC_ORIGIN })).toBe('CSRF_HEADER_MISSING');
    expect(await attempt({ 'x-countersign': '1' })).toBe('ORIGIN_NOT_ALLOWED');
    expect(await attempt({ 'x-countersign': '1', origin: 'https://evil.test' })).toBe(
      'ORIGIN_NOT_ALLOWED',
    );
    expect(await attempt({ 'x-countersign': '1', origin: 'null' })).toBe('ORIGIN_NOT_ALLOWED');
    expect((await bench.send({ url: '/v1/session', headers })).status).toBe(200);
  });

  test('whose cookie comes twice is none', async () => {
    const { headers } = await bench.signIn(passkey);
    const cookie = `${headers['cookie'] ?? ''}; countersign_session=x`;
    const sent = await bench.send({ url: '/v1/session', headers: { cookie } });
    expect(sent.body['code']).toBe('AUTH_REQUIRED');
  });
});
