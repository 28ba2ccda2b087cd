import { generateKeyPairSync, verify } from 'node:crypto';
import {
  enrolmentPayload,
  keyThumbprint,
  signedMessage,
  type EnrolmentStatement,
} from '@countersign/binding';
import { fromBase64url, toBase64url } from '@countersign/canonical';
import { SoftwareMaker, SoftwarePasskey } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import {
  enrolmentStatement,
  openInvitation,
  parseInvitationLink,
  signEnrolment,
} from '@countersign/console';

const PERSON = 'prs_01M83E3QV860EX7843Z230MYJ7';
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url');
const thumbprint = keyThumbprint(publicKey.export({ format: 'der', type: 'spki' }));
const link = { key: pkcs8, person: PERSON, tenant: 'acme' };

function statement(): EnrolmentStatement {
  return enrolmentStatement({
    ledger: 'countersign.test/1/0',
    invitation: { id: thumbprint, person: PERSON, tenant: 'acme' },
    passkey: {
      credentialId: Uint8Array.of(1, 2, 3),
      publicKey: new Uint8Array(77),
      isBackupEligible: true,
    },
    rpId: 'localhost',
    nonce: new Uint8Array(16),
  });
}

describe('an enrolment', () => {
  const maker = new SoftwareMaker({ model: Buffer.alloc(16, 7) });
  const stranger = new SoftwareMaker({ model: Buffer.alloc(16, 7), rootParts: { name: 'Rood' } });
  const place = { rpId: 'localhost', origin: 'http://localhost:7420' };
  const made = SoftwarePasskey.create({ algorithm: 'ES256', ...place, maker });
  const { attestationObject: object, clientDataJSON: client_data } = made.register('AAAA').response;

  function attestedUnder(...roots: readonly SoftwareMaker[]): EnrolmentStatement['attestation'] {
    return enrolmentStatement({
      ledger: 'countersign.test/1/0',
      invitation: { id: thumbprint, person: PERSON, tenant: 'acme' },
      passkey: {
        credentialId: fromBase64url(made.credentialId),
        publicKey: made.cosePublicKey,
        isBackupEligible: false,
        attested: { object, client_data },
      },
      rpId: 'localhost',
      roots: roots.map(({ root }) => toBase64url(root)),
      nonce: new Uint8Array(16),
    }).attestation;
  }

  it('shows what the maker says of the passkey, with the root that its chain ends with', () => {
    const root = toBase64url(maker.root);
    expect(attestedUnder(stranger, maker)).toEqual({ object, client_data, root });
  });

  it('shows nothing where the ledger knows no root of it', () => {
    expect(attestedUnder(stranger)).toBeUndefined();
    expect(attestedUnder()).toBeUndefined();
  });
});

describe('an invitation', () => {
  it('is read from the fragment of a link, and from nothing else', () => {
    expect(parseInvitationLink(`#i=${pkcs8}&p=${PERSON}&t=acme`)).toEqual(link);
    expect(parseInvitationLink('')).toBeUndefined();
    expect(parseInvitationLink(`#i=${pkcs8}&p=${PERSON}`)).toBeUndefined();
    expect(parseInvitationLink('#main')).toBeUndefined();
  });

  it('is known by the thumbprint of its public key', async () => {
    expect((await openInvitation(link)).id).toBe(thumbprint);
  });

  it('keeps its private key to itself', async () => {
    const { key } = await openInvitation(link);
    await expect(crypto.subtle.exportKey('pkcs8', key)).rejects.toThrow();
  });

  it('signs an enrolment so that the ledger can check it', async () => {
    const signature = await signEnrolment(await openInvitation(link), statement());
    const message = signedMessage('enrolment', enrolmentPayload(statement()));
    const bytes = Buffer.from(signature, 'base64url');
    expect(verify('sha256', message, publicKey, bytes)).toBe(true);
    expect(verify('sha256', Buffer.concat([message, Buffer.of(0)]), publicKey, bytes)).toBe(false);
  });

  it.each([
    ['no base64', '***'],
    ['no key', 'AAAA'],
    [
      'a key of another kind',
      generateKeyPairSync('ed25519')
        .privateKey.export({ format: 'der', type: 'pkcs8' })
        .toString('base64url'),
    ],
  ])('refuses %s', async (_, key) => {
    await expect(openInvitation({ ...link, key })).rejects.toMatchObject({
      code: 'INVITATION_FORMAT',
    });
  });
});
