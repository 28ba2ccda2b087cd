import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { describe, expect, test } from 'vitest';
import { SoftwarePasskey } from '../src/index.ts';

const RP_ID = 'localhost';
const ORIGIN = 'http://localhost:7420';
const place = { rpId: RP_ID, origin: ORIGIN };

describe.each(['ES256', 'EdDSA', 'RS256'] as const)('a software passkey of %s', (algorithm) => {
  const passkey = SoftwarePasskey.create({
    algorithm,
    ...place,
    backupEligible: true,
    backedUp: true,
  });

  test('registers, and what was registered verifies its assertions', async () => {
    const challenge = randomBytes(32);
    const registered = await verifyRegistrationResponse({
      response: passkey.register(challenge.toString('base64url')),
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: ORIGIN,
      expectedRPID: RP_ID,
    });
    const info = registered.registrationInfo;
    if (info === undefined) throw new Error('expected the registration to be verified');
    expect(info.credential.id).toBe(passkey.credentialId);
    expect(Buffer.from(info.credential.publicKey)).toEqual(Buffer.from(passkey.cosePublicKey));
    expect(info).toMatchObject({ fmt: 'none', userVerified: true, credentialBackedUp: true });

    const proof = passkey.assert(challenge);
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id: proof.credential_id,
        rawId: proof.credential_id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: proof.client_data_json,
          authenticatorData: proof.authenticator_data,
          signature: proof.signature,
        },
      },
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: ORIGIN,
      expectedRPID: RP_ID,
      credential: info.credential,
    });
    expect(verified).toBe(true);
  });

  test('gives its public key as SPKI too, as browsers do', () => {
    const { publicKey } = passkey.register('AAAA').response;
    const proof = passkey.assert(randomBytes(32));
    const clientData = Buffer.from(proof.client_data_json, 'base64url');
    const message = Buffer.concat([
      Buffer.from(proof.authenticator_data, 'base64url'),
      createHash('sha256').update(clientData).digest(),
    ]);
    const key = createPublicKey({
      key: Buffer.from(publicKey, 'base64url'),
      format: 'der',
      type: 'spki',
    });
    const hash = algorithm === 'EdDSA' ? null : 'sha256';
    expect(verify(hash, message, key, Buffer.from(proof.signature, 'base64url'))).toBe(true);
  });
});

function counterOf(authenticatorData: string): number {
  return Buffer.from(authenticatorData, 'base64url').readUInt32BE(33);
}

test('a counter above 0 grows with each assertion, and 0 stays 0', () => {
  const counting = SoftwarePasskey.create({ algorithm: 'ES256', ...place, counter: 7 });
  const synced = SoftwarePasskey.create({ algorithm: 'ES256', ...place });
  const counters = [counting, counting, synced, synced].map((passkey) =>
    counterOf(passkey.assert(randomBytes(32)).authenticator_data),
  );
  expect(counters).toEqual([8, 9, 0, 0]);
});

test('the quick way and the spoiling way write the same client data', () => {
  const passkey = SoftwarePasskey.create({ algorithm: 'EdDSA', ...place });
  const challenge = randomBytes(32);
  const quick = passkey.assert(challenge).client_data_json;
  expect(passkey.assert(challenge, { type: 'webauthn.get' }).client_data_json).toBe(quick);
});
