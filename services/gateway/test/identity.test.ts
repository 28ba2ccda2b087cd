import { createPublicKey, randomBytes, type JsonWebKey } from 'node:crypto';
import {
  AuthorityState,
  isAccountShown,
  membershipEndMs,
  proveMembership,
  subjectDigest,
  type LedgerMember,
  type Membership,
} from '@countersign/binding';
import { toBase64url, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { SoftwarePasskey } from '@countersign/software-passkey';
import { generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { subjectSalt } from '../src/subject-salt.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  CompanyProvider,
  type Meddling,
} from './testing/company-provider.ts';
import { GatewayBench, textIn, type Sent } from './testing/gateway-bench.ts';
import { ORIGIN, PUBLIC_ORIGIN, signInvitation, TENANT } from './testing/scripted-ledger.ts';

const READERS = 'approvals-readers';
const subjectKey = new Uint8Array(randomBytes(32));
const HERE = { origin: PUBLIC_ORIGIN, 'x-countersign': '1' };

let company: CompanyProvider;
let bench: GatewayBench;
beforeAll(async () => {
  company = await CompanyProvider.start({ redirectUri: `${PUBLIC_ORIGIN}/v1/identity/callback` });
  company.groups.set('carla', ['staff', READERS]);
  company.groups.set('bob', ['staff']);
  bench = await GatewayBench.start(
    { limits: { ceremoniesPerMinute: 1_000 } },
    {
      identity: {
        issuer: company.issuer,
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        readGroup: READERS,
        subjectKey,
      },
    },
  );
});
beforeEach(() => {
  company.meddling = undefined;
});
afterAll(async () => {
  await bench.close();
  await company.stop();
});

function cookiesIn({ headers }: Sent): readonly string[] {
  const lines = headers['set-cookie'];
  return Array.isArray(lines) ? lines.map(String) : [String(lines)];
}

function cookieIn(sent: Sent, name: string): string {
  const line = cookiesIn(sent).find((each) => each.startsWith(`${name}=`)) ?? '';
  return line.split(';', 1)[0] ?? '';
}

/** Leaves for the provider. */
async function leave(returnTo = '/', more = ''): Promise<{ url: string; cookie: string }> {
  const url = `/v1/identity/sign-in?return_to=${encodeURIComponent(returnTo)}${more}`;
  const sent = await bench.send({ url });
  expect(sent.status).toBe(303);
  return { url: String(sent.headers['location']), cookie: cookieIn(sent, 'countersign_leaving') };
}

async function back(address: string, cookie: string): Promise<Sent> {
  const { pathname, search } = new URL(address);
  return bench.send({ url: `${pathname}${search}`, headers: { cookie } });
}

/** Signs in at the company, and answers the way back with the cookie that it gave. */
async function enter(account: string, more = ''): Promise<{ sent: Sent; cookie: string }> {
  const left = await leave('/', more);
  const sent = await back(await company.signIn(left.url, account), left.cookie);
  return { sent, cookie: cookieIn(sent, 'countersign_identity') };
}

async function codeOf(url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const sent = await bench.send({ url, headers });
  return sent.body['code'] ?? sent.status;
}

/** One that pins the key of the provider, and ties this person to Carla. */
async function authorityWith(person: string): Promise<AuthorityState> {
  const { issuer } = company;
  const salt = subjectSalt(subjectKey, { issuer, person });
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: JsonWebKey[] };
  const public_key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' })
    .export({ type: 'spki', format: 'der' })
    .toString('base64url');
  const subject_digest = subjectDigest({ issuer, subject: 'carla', salt });
  return AuthorityState.of([
    { kind: 'ledger', id: 'ledger', origin: ORIGIN } as LedgerMember,
    { kind: 'issuer', id: issuer, keys: [{ kid: 'one', alg: 'RS256', public_key }], persons: [] },
    { kind: 'identity', id: person, issuer, subject_digest },
  ]);
}

/** What the person's page puts beside a decision. */
async function membershipOf(person: string, cookie: string): Promise<Sent> {
  return bench.send({ url: `/v1/identity/membership?person=${person}`, headers: { cookie } });
}

describe('a sign-in with a company account', () => {
  test('leads back to the page with a cookie that scripts and other sites do not get', async () => {
    const left = await leave('/enrol');
    const asked = new URL(left.url).searchParams;
    expect([asked.get('code_challenge_method'), asked.get('response_type')]).toEqual([
      'S256',
      'code',
    ]);
    const sent = await back(await company.signIn(left.url, 'carla'), left.cookie);
    expect([sent.status, sent.headers['location']]).toEqual([303, '/enrol']);
    expect(cookiesIn(sent)).toEqual([
      'countersign_leaving=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
      expect.stringMatching(
        /^countersign_identity=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/,
      ),
    ]);
    const who = await bench.send({
      url: '/v1/identity',
      headers: { cookie: cookieIn(sent, 'countersign_identity') },
    });
    expect(who.body).toMatchObject({ issuer: company.issuer, subject: 'carla', may_read: true });
  });

  test('is needed to read, and reads by itself only in the group that may', async () => {
    const { actionId } = await bench.request();
    const passkey = await bench.ledger.enrolPasskey();
    expect((await bench.signIn(passkey)).sent.body['code']).toBe('IDENTITY_REQUIRED');
    expect(await codeOf('/v1/inbox', {})).toBe('IDENTITY_REQUIRED');

    const carla = await enter('carla');
    for (const url of ['/v1/inbox', `/v1/actions/${actionId}`, `/v1/actions/${actionId}/review`]) {
      expect([url, await codeOf(url, { cookie: carla.cookie })]).toEqual([url, 200]);
    }
    const bob = await enter('bob');
    expect(await codeOf('/v1/inbox', { cookie: bob.cookie })).toBe('AUTH_REQUIRED');
    const { sent, headers } = await bench.signIn(passkey, { cookie: bob.cookie, ...HERE });
    expect(sent.status).toBe(201);
    expect(await codeOf('/v1/inbox', headers)).toBe(200);
    // Machines read as they did.
    expect((await bench.read('/v1/inbox')).status).toBe(200);
  });

  test('D14: decides nothing: a decision without a passkey’s own signature is refused', async () => {
    const { actionId } = await bench.request();
    const passkey = await bench.ledger.enrolPasskey();
    const carla = await enter('carla');
    const decision = await bench.decisionOf(actionId, passkey);
    const unproven = { ...decision, proof: null };
    const sent = await bench.post('/v1/decisions', unproven, { cookie: carla.cookie, ...HERE });
    expect([sent.status, sent.body['code']]).toEqual([401, 'NO_HUMAN_PROOF']);
    expect((await bench.read(`/v1/actions/${actionId}`)).body['status']).toBe('pending');
  });

  test('ends after eight hours, at sign-out, and takes the sessions of passkeys along', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const bob = await enter('bob');
    bench.ledger.nowMs += 3_600_000;
    const { sent, headers } = await bench.signIn(passkey, { cookie: bob.cookie, ...HERE });
    expect(sent.body['expires_at']).toBe(
      new Date(bench.ledger.nowMs + 7 * 3_600_000).toISOString(),
    );
    bench.ledger.nowMs += 7 * 3_600_000 - 1;
    expect(await codeOf('/v1/inbox', headers)).toBe(200);
    bench.ledger.nowMs += 1;
    expect(await codeOf('/v1/inbox', headers)).toBe('IDENTITY_REQUIRED');

    const again = await enter('bob');
    const second = await bench.signIn(passkey, { cookie: again.cookie, ...HERE });
    const out = await bench.send({
      method: 'DELETE',
      url: '/v1/session',
      headers: second.headers,
    });
    expect(cookiesIn(out).every((line) => line.includes('Max-Age=0'))).toBe(true);
    expect(await codeOf('/v1/inbox', second.headers)).toBe('IDENTITY_REQUIRED');
    expect(await codeOf('/v1/identity', { cookie: again.cookie })).toBe('IDENTITY_REQUIRED');
  });

  test('ends when the provider says so, and such a word counts once', async () => {
    const carla = await enter('carla');
    const bob = await enter('bob');
    const nowS = Math.floor(Date.now() / 1000);
    const claims = {
      sub: 'carla',
      iat: nowS,
      jti: 'one',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    };
    const tell = async (token: string): Promise<unknown> => {
      const sent = await bench.send({
        method: 'POST',
        url: '/v1/identity/logout',
        raw: `logout_token=${token}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      return sent.body['code'] ?? sent.status;
    };
    for (const wrong of [
      { ...claims, aud: 'another' },
      { ...claims, iat: nowS - 3_600 },
      { ...claims, nonce: 'n' },
      { ...claims, events: {} },
      { ...claims, iss: 'http://localhost:1' },
    ]) {
      expect(await tell(await company.logoutToken(wrong))).toBe('IDENTITY_INVALID');
    }
    expect(await codeOf('/v1/inbox', { cookie: carla.cookie })).toBe(200);
    const token = await company.logoutToken(claims);
    expect(await tell(token)).toBe(200);
    expect(await codeOf('/v1/inbox', { cookie: carla.cookie })).toBe('IDENTITY_REQUIRED');
    expect(await codeOf('/v1/identity', { cookie: bob.cookie })).toBe(200);
    const later = await enter('carla');
    expect(await tell(token)).toBe('IDENTITY_INVALID');
    expect(await codeOf('/v1/inbox', { cookie: later.cookie })).toBe(200);
  });
});

describe('an attack on the sign-in', () => {
  const nowS = Math.floor(Date.now() / 1000);
  test('is about what is in a token: one that only passes through is taken', async () => {
    company.meddling = {};
    expect((await enter('carla')).sent.status).toBe(303);
  });

  test.each<[string, string, Meddling]>([
    [
      'for another program',
      'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
      { claims: (claims) => ({ ...claims, aud: 'another' }) },
    ],
    [
      'that is over',
      'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
      { claims: (claims) => ({ ...claims, iat: nowS - 900, exp: nowS - 600 }) },
    ],
    [
      'with the nonce of another sign-in',
      'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
      { claims: (claims) => ({ ...claims, nonce: 'other' }) },
    ],
    ['without a nonce', 'OAUTH_INVALID_RESPONSE', { claims: (claims) => without(claims, 'nonce') }],
    [
      'of another issuer',
      'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
      { claims: (claims) => ({ ...claims, iss: 'http://localhost:1' }) },
    ],
    ['without a subject', 'OAUTH_INVALID_RESPONSE', { claims: (claims) => without(claims, 'sub') }],
    ['that nobody signed (alg none)', 'OAUTH_INVALID_RESPONSE', { isUnsigned: true }],
  ])('D14: by a token %s is IDENTITY_INVALID (%s)', async (_name, why, meddling) => {
    company.meddling = meddling;
    const { sent, cookie } = await enter('carla');
    expect([sent.status, sent.body['code'], cookie]).toEqual([401, 'IDENTITY_INVALID', '']);
    expect(sent.body['detail']).toBe(`expected a sign-in that holds: ${why}`);
  });

  test('by a token that another key has signed is IDENTITY_INVALID', async () => {
    const { privateKey: key } = await generateKeyPair('RS256');
    company.meddling = { key };
    expect((await enter('carla')).sent.body['code']).toBe('IDENTITY_INVALID');
  });

  test('D14: by the state or the code of another one, or without the browser that left, is IDENTITY_INVALID', async () => {
    const own = await leave();
    const others = await leave();
    const ownBack = await company.signIn(own.url, 'carla');
    const othersBack = await company.signIn(others.url, 'bob');
    // A link to the way back of somebody else, who would have one act in their name.
    const handedOver = await back(othersBack, own.cookie);
    expect([handedOver.status, handedOver.body['code']]).toEqual([401, 'IDENTITY_INVALID']);
    const withoutCookie = await back(ownBack, '');
    expect(withoutCookie.body['code']).toBe('IDENTITY_INVALID');
    const third = await leave();
    const swapped = new URL(othersBack);
    swapped.searchParams.set('state', new URL(third.url).searchParams.get('state') ?? '');
    expect((await back(swapped.href, third.cookie)).body['code']).toBe('IDENTITY_INVALID');
  });

  test('D14: by a code that came before is IDENTITY_INVALID', async () => {
    const left = await leave();
    const address = await company.signIn(left.url, 'carla');
    expect((await back(address, left.cookie)).status).toBe(303);
    expect((await back(address, left.cookie)).body['code']).toBe('IDENTITY_INVALID');
  });

  test('that leads anywhere else afterwards is SCHEMA_INVALID', async () => {
    for (const where of [
      'https://evil.test/',
      '//evil.test',
      '/\\evil.test',
      '/action/../x',
      'x',
    ]) {
      const url = `/v1/identity/sign-in?return_to=${encodeURIComponent(where)}`;
      expect([where, await codeOf(url, {})]).toEqual([where, 'SCHEMA_INVALID']);
    }
  });

  test('that a page of another site begins is ORIGIN_NOT_ALLOWED', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect(await codeOf('/v1/identity/sign-in', headers)).toBe('ORIGIN_NOT_ALLOWED');
  });

  test('by a cookie that was laid before: it is not taken over, and an old one ends', async () => {
    const laid = `countersign_identity=${'a'.repeat(43)}`;
    const left = await leave();
    const address = await company.signIn(left.url, 'carla');
    const sent = await back(address, `${left.cookie}; ${laid}`);
    expect(cookieIn(sent, 'countersign_identity')).not.toBe(laid);
    expect(await codeOf('/v1/inbox', { cookie: laid })).toBe('IDENTITY_REQUIRED');
    const first = cookieIn(sent, 'countersign_identity');
    const more = await leave();
    await back(await company.signIn(more.url, 'carla'), `${more.cookie}; ${first}`);
    expect(await codeOf('/v1/inbox', { cookie: first })).toBe('IDENTITY_REQUIRED');
    expect(await codeOf('/v1/inbox', { cookie: `${laid}; ${first}` })).toBe('IDENTITY_REQUIRED');
  });

  test('by a stolen cookie: from another site it changes nothing, and a passkey’s session is none without it', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const bob = await enter('bob');
    const { headers } = await bench.signIn(passkey, { cookie: bob.cookie, ...HERE });
    const attempt = async (sent: Record<string, string>): Promise<unknown> => {
      const { cookie } = bob;
      const out = await bench.send({
        method: 'DELETE',
        url: '/v1/session',
        headers: { cookie, ...sent },
      });
      return out.body['code'];
    };
    expect(await attempt({ origin: 'https://evil.test' })).toBe('ORIGIN_NOT_ALLOWED');
    expect(await attempt({})).toBe('ORIGIN_NOT_ALLOWED');
    expect(await attempt({ origin: PUBLIC_ORIGIN })).toBe('CSRF_HEADER_MISSING');
    const session = (headers['cookie'] ?? '').split('; ')[1] ?? '';
    expect(session).toMatch(/^countersign_session=/);
    expect(await codeOf('/v1/inbox', { cookie: session })).toBe('IDENTITY_REQUIRED');
    const carla = await enter('carla');
    const mixed = `${carla.cookie}; ${session}`;
    expect(await codeOf('/v1/inbox', { cookie: mixed })).toBe('SESSION_INVALID');
    expect(await codeOf('/v1/inbox', headers)).toBe(200);
  });

  test('shows a person a page that says what was wrong', async () => {
    const url = '/v1/identity/callback?code=x&state=y';
    const sent = await bench.send({ url, headers: { accept: 'text/html' } });
    expect([sent.status, sent.headers['location']]).toEqual([303, '/#sign-in=IDENTITY_INVALID']);
  });
});

describe('a provider that is away', () => {
  test('is IDENTITY_PROVIDER_UNAVAILABLE, and is asked again', async () => {
    const other = await CompanyProvider.start({
      redirectUri: `${PUBLIC_ORIGIN}/v1/identity/callback`,
    });
    await other.stop();
    const identity = { issuer: other.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
    const alone = await GatewayBench.start({}, { identity });
    const sent = await alone.send({ url: '/v1/identity/sign-in' });
    expect([sent.status, sent.body['code']]).toEqual([503, 'IDENTITY_PROVIDER_UNAVAILABLE']);
    expect((await alone.send({ url: '/v1/ledger' })).body['sign_in']).toEqual({
      issuer: other.issuer,
    });
    await alone.close();
  });
});

describe('a person whom the authority ties to an account', () => {
  let tied: GatewayBench;
  let passkey: SoftwarePasskey;
  beforeAll(async () => {
    tied = bench;
    bench = await GatewayBench.start(
      { limits: { ceremoniesPerMinute: 1_000 } },
      {
        identity: {
          issuer: company.issuer,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
          subjectKey,
        },
      },
    );
    const { issuer } = company;
    const salt = subjectSalt(subjectKey, { issuer, person: bench.ledger.person });
    await bench.ledger.tiePerson(issuer, subjectDigest({ issuer, subject: 'carla', salt }));
    passkey = newPasskey();
  });
  afterAll(async () => {
    await bench.close();
    bench = tied;
  });

  test('D14: is enrolled with that account alone, whoever has the link', async () => {
    const { invitationId: invitation, person } = bench.ledger;
    const begin = (under: Record<string, string>): Promise<Sent> =>
      bench.post('/v1/enrolments/options', { invitation, person }, under);
    expect((await begin({})).body['code']).toBe('IDENTITY_REQUIRED');
    const bob = { cookie: (await enter('bob')).cookie, ...HERE };
    const refused = await begin(bob);
    expect([refused.status, refused.body['code']]).toEqual([403, 'IDENTITY_MISMATCH']);

    const carla = { cookie: (await enter('carla')).cookie, ...HERE };
    const body = enrolment(passkey, textIn((await begin(carla)).body, 'challenge'));
    // The thief lets the rightful person begin, and sends the end of it.
    const stolen = await bench.post('/v1/enrolments', body, bob);
    expect([stolen.status, stolen.body['code']]).toEqual([403, 'IDENTITY_MISMATCH']);
    expect(bench.ledger.submissions).toHaveLength(0);
    expect((await bench.post('/v1/enrolments', body, carla)).status).toBe(201);
  });

  test('signs in with that account alone, whoever has the passkey', async () => {
    const bob = await enter('bob');
    const { sent } = await bench.signIn(passkey, { cookie: bob.cookie, ...HERE });
    expect([sent.status, sent.body['code']]).toEqual([403, 'IDENTITY_MISMATCH']);
    const carla = await enter('carla');
    const own = await bench.signIn(passkey, { cookie: carla.cookie, ...HERE });
    expect(own.sent.status).toBe(201);
    expect(await codeOf('/v1/inbox', own.headers)).toBe(200);
  });

  test('D11: has the groups beside a decision that the provider has signed for this ledger, and nobody else has them', async () => {
    const { person } = bench.ledger;
    const carla = await enter('carla');
    const sent = await membershipOf(person, carla.cookie);
    expect(sent.status).toBe(200);
    const shown = sent.body as unknown as Membership;
    const authority = await authorityWith(person);
    const proven = await proveMembership(shown, authority, verifySignature);
    const { issuer } = company;
    const needed = { issuer, audience: CLIENT_ID, group: READERS, within_s: 3_600 };
    const of = { person, membership: proven, atMs: Date.now() };
    expect(membershipEndMs(authority, needed, of)).toBeGreaterThan(Date.now());
    expect(membershipEndMs(authority, { ...needed, group: 'board' }, of)).toBeUndefined();

    const bob = await membershipOf(person, (await enter('bob')).cookie);
    expect([bob.status, bob.body['code']]).toEqual([403, 'IDENTITY_MISMATCH']);
    expect((await membershipOf(person, '')).body['code']).toBe('IDENTITY_REQUIRED');
  });

  test('D14: has a sign-in for an invitation beside the enrolment where the issuer is pinned, and for nothing else', async () => {
    const { person, invitationId: invitation } = bench.ledger;
    const url = `/v1/identity/enrolment?person=${person}&invitation=${invitation}`;
    const ask = async (cookie: string): Promise<Sent> => bench.send({ url, headers: { cookie } });
    const plain = await enter('carla');
    expect((await ask(plain.cookie)).body).toEqual({});
    await bench.ledger.pinIssuer(company.issuer);
    expect((await ask(plain.cookie)).body['code']).toBe('IDENTITY_REQUIRED');
    const forIt = await enter('carla', `&invitation=${invitation}`);
    const { identity } = (await ask(forIt.cookie)).body as { identity?: Membership };
    const proven =
      identity && (await proveMembership(identity, await authorityWith(person), verifySignature));
    const statement = { person, invitation };
    const shown = { statement, identity: proven, atMs: Date.now() };
    expect(isAccountShown(await authorityWith(person), shown)).toBe(true);
    expect((await membershipOf(person, forIt.cookie)).body['code']).toBe('IDENTITY_REQUIRED');
    const bob = await enter('bob', `&invitation=${invitation}`);
    expect((await ask(bob.cookie)).body['code']).toBe('IDENTITY_MISMATCH');
    await bench.ledger.removeMember('issuer', company.issuer);
  });

  test('cannot enrol where nobody signs in with an account', async () => {
    const plain = await GatewayBench.start();
    await plain.ledger.tiePerson(company.issuer, `sha256:${'00'.repeat(32)}`);
    const { invitationId: invitation, person } = plain.ledger;
    const sent = await plain.post('/v1/enrolments/options', { invitation, person });
    expect(sent.body['code']).toBe('IDENTITY_REQUIRED');
    await plain.close();
  });

  function enrolment(own: SoftwarePasskey, challenge: string): JsonObject {
    const { ledger } = bench;
    const statement: JsonObject = {
      v: 'countersign.enrolment.v1',
      ledger: ORIGIN,
      tenant: TENANT,
      person: ledger.person,
      invitation: ledger.invitationId,
      credential_id: own.credentialId,
      public_key: toBase64url(own.cosePublicKey),
      rp_id: 'localhost',
      backup_eligible: false,
      nonce: toBase64url(randomBytes(16)),
    };
    const response = JSON.parse(JSON.stringify(own.register(challenge))) as JsonObject;
    const signature = signInvitation(ledger.invitation.privateKey, statement);
    return { response, statement, signature };
  }
});

function without(claims: JWTPayload, name: string): JWTPayload {
  return Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name));
}

function newPasskey(): SoftwarePasskey {
  return SoftwarePasskey.create({
    algorithm: 'ES256',
    rpId: 'localhost',
    origin: PUBLIC_ORIGIN,
  });
}

describe('an address that somebody opens', () => {
  test('D14: decides nothing, whoever opens it, and whatever is written in it', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId } = await bench.request();
    const carla = await enter('carla');
    const { headers } = await bench.signIn(passkey, { cookie: carla.cookie, ...HERE });
    const { paths } = (await bench.send({ url: '/openapi.json' })).body as unknown as {
      paths: Record<string, Record<string, unknown>>;
    };
    const { size, submissions } = bench.ledger;
    const before = submissions.length;
    const readable = Object.entries(paths).filter(([, methods]) => 'get' in methods);
    expect(readable.length).toBeGreaterThan(20);
    const own = [`/action/${actionId}`, '/', ...Object.keys(paths)];
    for (const path of new Set([...readable.map(([each]) => each), ...own])) {
      // A stream that goes on for minutes.
      if (path.endsWith('/events')) continue;
      const filled = path
        .replace('{id}', actionId)
        .replace('{digest}', `sha256:${'00'.repeat(32)}`)
        .replace('{short_id}', 'cs-0123456789');
      for (const query of ['', '?verdict=approve', `?decision=approve&action_id=${actionId}`]) {
        await bench.send({ url: `${filled}${query}`, headers });
      }
    }
    expect([bench.ledger.size, submissions.length]).toEqual([size, before]);
    expect((await bench.read(`/v1/actions/${actionId}`)).body['status']).toBe('pending');
  });
});
