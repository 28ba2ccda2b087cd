import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { toBase64url, type Json, type JsonObject } from '@countersign/canonical';
import { SoftwareMaker, SoftwarePasskey } from '@countersign/software-passkey';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayBench, type Sent, textIn } from './testing/gateway-bench.ts';
import { ORIGIN, PUBLIC_ORIGIN, signInvitation, TENANT } from './testing/scripted-ledger.ts';

let bench: GatewayBench;
let passkey: SoftwarePasskey;
beforeEach(async () => {
  bench = await GatewayBench.start();
  passkey = newPasskey();
});
afterEach(async () => {
  await bench.close();
});

function newPasskey(
  changes: Partial<Parameters<typeof SoftwarePasskey.create>[0]> = {},
): SoftwarePasskey {
  return SoftwarePasskey.create({
    algorithm: 'ES256',
    rpId: 'localhost',
    origin: PUBLIC_ORIGIN,
    ...changes,
  });
}

function options(): Promise<Sent> {
  return bench.post('/v1/enrolments/options', {
    invitation: bench.ledger.invitationId,
    person: bench.ledger.person,
  });
}

/** The body that the page would send, with whatever a test changes. */
async function enrolment(changes: { statement?: JsonObject; challenge?: string } = {}): Promise<{
  response: Json;
  statement: JsonObject;
  signature: string;
}> {
  const challenge = changes.challenge ?? textIn((await options()).body, 'challenge');
  const statement: JsonObject = {
    v: 'countersign.enrolment.v1',
    ledger: ORIGIN,
    tenant: TENANT,
    person: bench.ledger.person,
    invitation: bench.ledger.invitationId,
    credential_id: passkey.credentialId,
    public_key: toBase64url(passkey.cosePublicKey),
    rp_id: 'localhost',
    backup_eligible: false,
    nonce: toBase64url(randomBytes(16)),
    ...changes.statement,
  };
  const registration = JSON.parse(JSON.stringify(passkey.register(challenge))) as Json;
  const signature = signInvitation(bench.ledger.invitation.privateKey, statement);
  return { response: registration, statement, signature };
}

describe('an enrolment', () => {
  test.each(['ES256', 'EdDSA', 'RS256'] as const)('with %s is logged', async (algorithm) => {
    passkey = newPasskey({ algorithm });
    const sent = await bench.post('/v1/enrolments', await enrolment());
    expect(sent.status).toBe(201);
    expect(sent.body['entry']).toMatchObject({ type: 'authority-changed' });
    expect(typeof sent.body['receipt']).toBe('string');
    expect((await bench.signIn(passkey)).sent.status).toBe(201);
  });

  describe('where somebody may vouch for models', () => {
    const maker = new SoftwareMaker({ model: Buffer.alloc(16, 7), hasIntermediate: true });
    const root = toBase64url(maker.root);

    beforeEach(async () => {
      await bench.close();
      bench = await GatewayBench.start({ attestationRoots: [root] });
      passkey = newPasskey({ maker });
    });

    /** With what the registration says of its authenticator, or something else. */
    async function attested(
      spoiled: JsonObject = {},
    ): Promise<Awaited<ReturnType<typeof enrolment>>> {
      const challenge = textIn((await options()).body, 'challenge');
      const { response } = passkey.register(challenge);
      const { attestationObject: object, clientDataJSON: client_data } = response;
      const attestation = { object, client_data, root, ...spoiled };
      const made = await enrolment({ challenge, statement: { attestation } });
      // Each registration signs anew: the very one that the statement holds is sent.
      return { ...made, response: { ...(made.response as JsonObject), response: { ...response } } };
    }

    test('asks for an attestation, and tells what it may end with', async () => {
      const { body } = await options();
      expect(body).toMatchObject({ attestation: 'direct', attestationRoots: [root] });
    });

    test('hands on what is said of the passkey that was registered', async () => {
      const sent = await bench.post('/v1/enrolments', await attested());
      expect([sent.status, sent.body['code']]).toEqual([201, undefined]);
    });

    test('D08: with the attestation of another registration is REGISTRATION_INVALID', async () => {
      const { response } = newPasskey({ maker }).register('AAAA');
      const { attestationObject: object, clientDataJSON: client_data } = response;
      for (const spoiled of [{ object }, { client_data }]) {
        const sent = await bench.post('/v1/enrolments', await attested(spoiled));
        expect([sent.status, sent.body['code']]).toEqual([401, 'REGISTRATION_INVALID']);
      }
    });
  });

  test('asks for a discoverable passkey with user verification and no attestation', async () => {
    const { status, body } = await options();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      rp: { id: 'localhost' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    expect(body['pubKeyCredParams']).toEqual(
      [-7, -8, -257].map((alg) => ({ alg, type: 'public-key' })),
    );
  });

  test('sent again is answered as before', async () => {
    const body = await enrolment();
    const first = await bench.post('/v1/enrolments', body);
    const again = await bench.post('/v1/enrolments', body);
    expect([again.status, again.body['entry']]).toEqual([200, first.body['entry']]);
  });

  test('by an invitation that is unknown, spent, late or another’s is INVITATION_INVALID', async () => {
    const begun = async (body: JsonObject): Promise<unknown> =>
      (await bench.post('/v1/enrolments/options', body)).body['code'];
    const { invitationId: invitation, person } = bench.ledger;
    expect(await begun({ invitation: `sha256:${'0'.repeat(64)}`, person })).toBe(
      'INVITATION_INVALID',
    );
    const other = `${person.slice(0, -1)}${person.endsWith('0') ? '1' : '0'}`;
    expect(await begun({ invitation, person: other })).toBe('INVITATION_INVALID');
    bench.ledger.nowMs += 30 * 86_400_000;
    expect(await begun({ invitation, person })).toBe('INVITATION_INVALID');
    bench.ledger.nowMs -= 30 * 86_400_000;
    await bench.post('/v1/enrolments', await enrolment());
    expect(await begun({ invitation, person })).toBe('INVITATION_INVALID');
  });

  test('signed by another key than the invitation’s is INVITATION_INVALID', async () => {
    const body = await enrolment();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signature = signInvitation(privateKey, body.statement);
    const sent = await bench.post('/v1/enrolments', { ...body, signature });
    expect([sent.status, sent.body['code']]).toEqual([401, 'INVITATION_INVALID']);
    expect(bench.ledger.submissions).toHaveLength(0);
  });

  test('of a registration that was not begun here, or was used, is REGISTRATION_INVALID', async () => {
    const challenge = textIn((await options()).body, 'challenge');
    const own = await bench.post('/v1/enrolments', await enrolment({ challenge: 'A'.repeat(43) }));
    expect([own.status, own.body['code']]).toEqual([401, 'REGISTRATION_INVALID']);
    const wrong = await enrolment({ challenge, statement: { backup_eligible: true } });
    expect((await bench.post('/v1/enrolments', wrong)).body['code']).toBe('REGISTRATION_INVALID');
    const used = await enrolment({ challenge });
    expect((await bench.post('/v1/enrolments', used)).body['code']).toBe('REGISTRATION_INVALID');
  });

  test('after five minutes is REGISTRATION_INVALID', async () => {
    const body = await enrolment();
    bench.ledger.nowMs += 300_000;
    const sent = await bench.post('/v1/enrolments', body);
    expect(sent.body['code']).toBe('REGISTRATION_INVALID');
  });

  test('of a passkey of another site or page is REGISTRATION_INVALID', async () => {
    for (const changes of [{ rpId: 'evil.test' }, { origin: 'http://localhost:9999' }]) {
      passkey = newPasskey(changes);
      const sent = await bench.post('/v1/enrolments', await enrolment());
      expect([sent.status, sent.body['code']]).toEqual([401, 'REGISTRATION_INVALID']);
    }
  });

  test('whose statement names another key than was registered is REGISTRATION_INVALID', async () => {
    const other = newPasskey();
    for (const statement of [
      { public_key: toBase64url(other.cosePublicKey) },
      { credential_id: other.credentialId },
      { backup_eligible: true },
      { rp_id: 'elsewhere' },
    ]) {
      const sent = await bench.post('/v1/enrolments', await enrolment({ statement }));
      expect([sent.status, sent.body['code']]).toEqual([401, 'REGISTRATION_INVALID']);
    }
    expect(bench.ledger.submissions).toHaveLength(0);
  });
});
