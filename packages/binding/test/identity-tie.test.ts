import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyThumbprint, subjectDigest, type IdentityMember } from '../src/index.ts';
import { TestLedger } from './test-ledger.ts';
import { START_MS, ulidAt } from './test-members.ts';

const ISSUER = 'https://login.example.com/acme';
const SALT = 'c2FsdC1vZi10aGUtdGVzdHM';

function tie(person: string, subject = '248289761001') {
  const subject_digest = subjectDigest({ issuer: ISSUER, subject, salt: SALT });
  return { kind: 'person-tied', person, issuer: ISSUER, subject_digest };
}

function invited(end = '2026-12-23T09:00:00.000Z') {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const public_key = spki.toString('base64url');
  const invitation = { id: keyThumbprint(spki), public_key, not_after: end };
  return { class: 'natural', invitation };
}

function tieIn(ledger: TestLedger, person: string): IdentityMember | undefined {
  return ledger.state.authority.get('identity', person);
}

async function refusal(ledger: TestLedger, change: Parameters<TestLedger['change']>[0]) {
  const outcome = await ledger.submit(
    'request',
    ledger.requestFrame(ledger.changeEnvelope(change)),
  );
  return outcome.status === 'refused' ? outcome.code : outcome;
}

describe('the tie of a person to an account of the company', () => {
  it('is what persons have signed for, and a later one takes its place', async () => {
    const ledger = new TestLedger();
    const { id } = ledger.bob;
    expect(tieIn(ledger, id)).toBeUndefined();
    await ledger.change(tie(id));
    const { subject_digest } = tie(id);
    expect(tieIn(ledger, id)).toEqual({ kind: 'identity', id, issuer: ISSUER, subject_digest });
    await ledger.change(tie(id, '7'));
    expect(tieIn(ledger, id)?.subject_digest).toBe(tie(id, '7').subject_digest);
  });

  it('comes with the invitation, in one change', async () => {
    const ledger = new TestLedger();
    const person = `prs_${ulidAt(START_MS, 999_999)}`;
    const by = invited();
    await ledger.change({ ...tie(person), invited: by });
    const { authority } = ledger.state;
    expect(authority.get('person', person)).toMatchObject({ class: 'natural' });
    expect(authority.get('invitation', by.invitation.id)).toMatchObject({ person });
    expect(tieIn(ledger, person)).toMatchObject({ issuer: ISSUER });
  });

  it('is of a person who is known, of the class that is known, under an invitation that is new', async () => {
    const ledger = new TestLedger();
    const stranger = `prs_${ulidAt(START_MS, 999_999)}`;
    expect(await refusal(ledger, tie(stranger))).toBe('MEMBER_UNKNOWN');
    const role = { ...tie(ledger.bob.id), invited: { ...invited(), class: 'role' } };
    expect(await refusal(ledger, role)).toBe('MEMBER_EXISTS');
    const by = invited();
    await ledger.change({ ...tie(stranger), invited: by });
    const again = { ...tie(ledger.bob.id), invited: by };
    expect(await refusal(ledger, again)).toBe('MEMBER_EXISTS');
  });

  it('says in the log neither the subject nor its salt', async () => {
    const ledger = new TestLedger();
    await ledger.change(tie(ledger.bob.id));
    const text = JSON.stringify(ledger.log);
    expect(text).toContain(tie(ledger.bob.id).subject_digest);
    for (const secret of ['248289761001', SALT]) expect(text).not.toContain(secret);
  });

  it('differs with the issuer, the subject and the salt', () => {
    const of = { issuer: ISSUER, subject: 'a', salt: SALT };
    const digests = [
      of,
      { ...of, issuer: `${ISSUER}/` },
      { ...of, subject: 'b' },
      { ...of, salt: 'b' },
    ];
    expect(new Set(digests.map(subjectDigest)).size).toBe(4);
  });
});
