import {
  DEFAULT_BOOTSTRAP,
  encodeEntry,
  keyThumbprint,
  signInNonce,
  subjectDigest,
  type Entry,
  type Membership,
  type Policy,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { SignJWT } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { audited, auditRefusal } from '../support/audited-log.ts';
import { changeType } from '../support/change-type.ts';
import { DecidedLog, filesOf } from '../support/decided-log.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import type { Person, TextEntry } from '../support/parties.ts';

const ISSUER = 'https://login.example.com/acme';
const SALT = 'c2FsdC1vZi10aGUtdGVzdHM';
const GROUP = { issuer: ISSUER, audience: 'countersign', group: 'treasury', within_s: 600 };

const POLICY: Policy = {
  v: 'countersign.policy.v3',
  cedar: `@id("commands") @rule("group")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`,
  groups: {},
  rules: [{ ...DEFAULT_BOOTSTRAP, id: 'group', member_of: GROUP }],
};

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ type: 'spki', format: 'der' });

async function change(log: DecidedLog, made: JsonObject): Promise<void> {
  const asked = await log.admit(authorityAction(log, changeType(made), made));
  await log.decide(asked.admission);
  log.forward(1);
}

/** A log that pins the issuer, and knows who Alice is at the company. */
async function companyLog(): Promise<DecidedLog> {
  const log = new DecidedLog({ policy: POLICY });
  const keys = [{ kid: 'one', alg: 'ES256', public_key: spki.toString('base64url') }];
  await change(log, { kind: 'issuer-enrolled', issuer: { id: ISSUER, keys, persons: [] } });
  const { id: person } = log.parties.alice;
  const subject_digest = subjectDigest({ issuer: ISSUER, subject: 'alice-1', salt: SALT });
  await change(log, { kind: 'person-tied', person, issuer: ISSUER, subject_digest });
  return log;
}

async function signIn(log: DecidedLog, groups: readonly string[]): Promise<Membership> {
  const iat = Math.floor(log.nowMs / 1_000);
  const nonce = signInNonce({ ledger: log.origin, salt: SALT });
  const claims = { iss: ISSUER, sub: 'alice-1', aud: 'countersign', iat, exp: iat + 60, nonce };
  const token = await new SignJWT({ ...claims, groups: [...groups] })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(privateKey);
  return { token, subject_salt: SALT, nonce_salt: SALT };
}

async function decide(
  log: DecidedLog,
  admission: TextEntry,
  more: { readonly membership?: Membership; readonly person?: Person; readonly text?: string },
): Promise<readonly Entry[]> {
  const { membership, ...deciding } = more;
  const frame = JSON.parse(
    Buffer.from(log.parties.decisionFrame(admission, deciding)).toString(),
  ) as JsonObject;
  const whole = { ...frame, ...(membership !== undefined && { membership }) };
  return log.submit('decision', Buffer.from(JSON.stringify(whole)));
}

describe('the replay of decisions by a group of the company', () => {
  it('D11: derives again which counted, and takes as logged that others did not', async () => {
    const log = await companyLog();
    const first = await log.admit();
    const without = await decide(log, first.admission, {});
    expect(without).toMatchObject([{ type: 'decision-refused', code: 'NOT_ELIGIBLE' }]);
    log.forward(1);
    const other = await signIn(log, ['staff']);
    await decide(log, first.admission, { membership: other, text: 'again' });
    log.forward(1);
    const membership = await signIn(log, ['treasury']);
    await decide(log, first.admission, { membership, text: 'now' });
    log.forward(1);
    const late = { membership, text: 'too late' };
    expect(await decide(log, first.admission, late)).toMatchObject([{ code: 'LATE_DECISION' }]);
    await log.submit('use', log.parties.useFrame(log.last('binding-made')));
    const found = await audited(log);
    expect(found.head.size).toBe(log.entries.length);
    expect(found.counts).toMatchObject({ 'binding-used': 1, 'decision-refused': 3 });
  });

  it('D11: finds a token that the issuer has not signed', async () => {
    const log = await companyLog();
    const asked = await log.admit();
    await decide(log, asked.admission, { membership: await signIn(log, ['treasury']) });
    const { index } = log.last('decision-accepted');
    const genuine = log.lastEntry('decision-accepted');
    const { membership } = genuine;
    if (membership === undefined) throw new Error('expected a sign-in in the entry');
    const token = `${membership.token.slice(0, -6)}AAAAAA`;
    expect(membership.key).toBe(keyThumbprint(spki));
    const entries = [...log.entries];
    entries[index] = encodeEntry({ ...genuine, membership: { ...membership, token } });
    const refused = await auditRefusal(log, await filesOf(entries.slice(0, index + 1), log.signer));
    expect(refused).toMatchObject({ code: 'ASSERTION_INVALID', index });
  });
});
