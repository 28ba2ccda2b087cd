import { canonicalBytes, type JsonObject } from '@countersign/canonical';
import { SoftwareSshKey, type SshsigOverrides } from '@countersign/software-passkey';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayBench } from './testing/gateway-bench.ts';
import { PUBLIC_ORIGIN } from './testing/scripted-ledger.ts';

const NAMESPACE = 'countersign-session-v1';

let bench: GatewayBench;
let key: SoftwareSshKey;

beforeAll(async () => {
  bench = await GatewayBench.start({ limits: { ceremoniesPerMinute: 1_000 } });
  key = new SoftwareSshKey('sk-ssh-ed25519@openssh.com');
  await bench.ledger.enrolSshKey(key);
});
afterAll(async () => {
  await bench.close();
});

interface Signing extends SshsigOverrides {
  readonly by?: SoftwareSshKey;
  readonly namespace?: string;
  /** Members of the statement in place of the usual ones. */
  readonly statement?: JsonObject;
}

async function signedIn(how: Signing = {}): ReturnType<GatewayBench['post']> {
  const { body } = await bench.post('/v1/session/options', {});
  const begun = body['statement'] as JsonObject;
  const ssh = { v: 'countersign.session.v2', origin: PUBLIC_ORIGIN };
  const statement = { ...begun, ...ssh, ...how.statement };
  const proof = (how.by ?? key).proof(how.namespace ?? NAMESPACE, canonicalBytes(statement), how);
  return bench.post('/v1/session', { statement, proof: { ...proof } });
}

describe('a sign-in by SSH', () => {
  test('opens a session that reads', async () => {
    const { status, body, headers } = await signedIn();
    expect(status).toBe(201);
    expect(body).toMatchObject({ person: bench.ledger.person });
    const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
    expect((await bench.send({ url: '/v1/inbox', headers: { cookie } })).status).toBe(200);
  });

  const wrong: readonly (readonly [string, Signing, [status: number, code: string]])[] = [
    [
      'the namespace of decisions',
      { namespace: 'countersign-decision-v1' },
      [401, 'ASSERTION_INVALID'],
    ],
    ['no touch', { flags: 4 }, [401, 'ASSERTION_INVALID']],
    ['another key', { by: new SoftwareSshKey('ssh-ed25519') }, [401, 'CREDENTIAL_UNKNOWN']],
    ['another address', { statement: { origin: 'https://evil.test' } }, [401, 'CHALLENGE_INVALID']],
    ['another ledger', { statement: { ledger: 'evil.test/1/0' } }, [401, 'CHALLENGE_INVALID']],
    ['a nonce of its own', { statement: { nonce: 'A'.repeat(43) } }, [401, 'CHALLENGE_INVALID']],
    [
      'the statement of a passkey',
      { statement: { v: 'countersign.session.v1' } },
      [400, 'UNKNOWN_MEMBER'],
    ],
  ];
  test.each(wrong)('D07: with %s is refused', async (_what, how, expected) => {
    const { status, body, headers } = await signedIn(how);
    expect([status, body['code']]).toEqual(expected);
    expect(headers['set-cookie']).toBeUndefined();
  });
});
