import { generateKeyPairSync, verify } from 'node:crypto';
import {
  enrolmentPayload,
  keyThumbprint,
  signedMessage,
  type EnrolmentStatement,
} from '@countersign/binding';
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
