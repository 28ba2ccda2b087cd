import {
  DEFAULT_BOOTSTRAP,
  keyThumbprint,
  signInNonce,
  subjectDigest,
  type BoundDecision,
  type CedarPolicy,
  type CompanyGroup,
} from '@countersign/binding';
import type { Digest, JsonObject } from '@countersign/canonical';
import { SignJWT } from 'jose';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { CaseHead, EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { LedgerForge, ORIGIN, readyLedger } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

type Alg = 'ES256' | 'EdDSA' | 'RS256';

const ISSUER = 'https://login.example.com/acme';
const CLIENT = 'countersign';
const SALT = 'c2FsdC1vZi10aGUtdGVzdHM';
const NONCE_SALT = 'bm9uY2Utb2YtdGhlLXRlc3Rz';
/** 2026-11-22T16:00:00Z: the founding. */
const IAT = 1_795_363_200;
const GROUP: CompanyGroup = {
  issuer: ISSUER,
  audience: CLIENT,
  group: 'treasury',
  within_s: 3_600,
};

const CEDAR = `@id("command") @rule("group")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

const RULE = {
  ...DEFAULT_BOOTSTRAP,
  id: 'group',
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 600,
  member_of: GROUP,
} as const;

interface SignedIn {
  readonly alg?: Alg;
  /** Claims in place of those of an honest token. */
  readonly claims?: JsonObject;
  /** Whose subject the token names. */
  readonly of?: (ledger: LedgerForge) => { readonly id: string };
  readonly isForged?: true;
  /** The binding says nothing of it, or something else. */
  readonly told?: 'nothing' | Partial<NonNullable<BoundDecision['membership']>>;
  readonly isRevoked?: true;
  readonly isUntied?: true;
}

function keyPair(alg: Alg): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return alg === 'EdDSA'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('rsa', { modulusLength: 2_048 });
}

function tie(person: string): JsonObject {
  const subject_digest = subjectDigest({ issuer: ISSUER, subject: `sub-${person}`, salt: SALT });
  return { kind: 'person-tied', person, issuer: ISSUER, subject_digest };
}

interface Pinned {
  readonly issuer: JsonObject;
  readonly thumbprint: Digest;
  readonly privateKey: KeyObject;
}

function pinned(alg: Alg): Pinned {
  const { privateKey, publicKey } = keyPair(alg);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keys = [{ kid: 'one', alg, public_key: spki.toString('base64url') }];
  const issuer = { kind: 'issuer-enrolled', issuer: { id: ISSUER, keys, persons: [] } };
  return { issuer, thumbprint: keyThumbprint(spki), privateKey };
}

/** Bob approves under a rule that counts who is in a group of the company. */
async function bound(said: SignedIn = {}): Promise<EvidenceFile> {
  const { alg = 'ES256' } = said;
  const ledger = readyLedger();
  const { bob } = ledger;
  const own = pinned(alg);
  ledger.change(own.issuer, { approvers: [bob] });
  if (said.isUntied !== true) ledger.change(tie(bob.id), { approvers: [bob] });
  const policy = {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: {},
    rules: [RULE],
  } satisfies CedarPolicy;
  ledger.change({ kind: 'policy-set', policy } as unknown as JsonObject, { approvers: [bob] });
  ledger.pretendPolicy(policy);
  if (said.isRevoked === true) {
    ledger.change({ kind: 'issuer-revoked', id: ISSUER }, { approvers: [bob] });
  }
  const { id } = said.of?.(ledger) ?? bob;
  const token = await new SignJWT({
    iss: ISSUER,
    sub: `sub-${id}`,
    aud: CLIENT,
    iat: IAT,
    exp: IAT + 300,
    nonce: signInNonce({ ledger: ORIGIN, salt: NONCE_SALT }),
    groups: ['staff', 'treasury'],
    ...said.claims,
  })
    .setProtectedHeader({ alg, kid: 'one' })
    .sign(said.isForged === true ? keyPair(alg).privateKey : own.privateKey);
  const shown = {
    token,
    subject_salt: SALT,
    nonce_salt: NONCE_SALT,
    key: own.thumbprint,
  } as const;
  const { told = {} } = said;
  const decision = told === 'nothing' ? {} : { membership: { ...shown, ...told } };
  const made = ledger.bind(
    { rule: RULE, admission: { permits: ['command'] } },
    { approvers: [bob], decision },
  );
  return file(ledger, made);
}

interface Enrolling {
  readonly claims?: JsonObject;
  readonly of?: (ledger: LedgerForge) => { readonly id: string };
  readonly isForged?: true;
  /** The nonce commits to this, and not to the invitation. */
  readonly nonce?: (ledger: LedgerForge) => Digest;
  readonly isUnsaid?: true;
  readonly isUnpinned?: true;
}

/** Carol, who is tied to the company, enrols with a sign-in for her invitation; then Bob approves something. */
async function enrolled(said: Enrolling = {}): Promise<EvidenceFile> {
  const ledger = new LedgerForge();
  ledger.enrol(ledger.alice);
  ledger.enrol(ledger.bob);
  const { bob, carol } = ledger;
  const own = pinned('ES256');
  if (said.isUnpinned !== true) ledger.change(own.issuer, { approvers: [bob] });
  ledger.change(tie(carol.id), { approvers: [bob] });
  const { id } = said.of?.(ledger) ?? carol;
  const invitation = carol.invitation.thumbprint;
  const token = await new SignJWT({
    iss: ISSUER,
    sub: `sub-${id}`,
    aud: CLIENT,
    iat: IAT,
    exp: IAT + 300,
    nonce: said.nonce?.(ledger) ?? signInNonce({ ledger: ORIGIN, salt: NONCE_SALT, invitation }),
    ...said.claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(said.isForged === true ? keyPair('ES256').privateKey : own.privateKey);
  const key = own.thumbprint;
  const identity = { token, subject_salt: SALT, nonce_salt: NONCE_SALT, key };
  const isUnsaid = said.isUnsaid === true || said.isUnpinned === true;
  ledger.enrol(carol, carol.invitation, isUnsaid ? undefined : { identity });
  return file(ledger, ledger.bind({}, { approvers: [bob] }));
}

function enrolment(name: string, about: string, said: Enrolling = {}): EvidenceCase {
  return { name: `enrolled-${name}`, about, make: () => enrolled(said) };
}

function unlike(name: string, about: string, said: Enrolling): EvidenceCase {
  const head: CaseHead = { name: `enrolled-${name}`, code: 'AUTHORITY_CHAIN_INVALID', about };
  return { ...head, make: () => enrolled(said) };
}

function course(name: string, about: string, said: SignedIn = {}): EvidenceCase {
  return { name: `membership-${name}`, about, make: () => bound(said) };
}

function broken(name: string, about: string, said: SignedIn): EvidenceCase {
  const head: CaseHead = { name: `membership-${name}`, code: 'NOT_ELIGIBLE', about };
  return { ...head, make: () => bound(said) };
}

export const MEMBERSHIP_CASES: readonly EvidenceCase[] = [
  course('es256', "An approval by a group of the company, by the issuer's token of a sign-in."),
  course('eddsa', 'The same, signed with Ed25519.', { alg: 'EdDSA' }),
  course('rs256', 'The same, signed with RSA.', { alg: 'RS256' }),
  course('two-audiences', 'The token is for two clients, and this one has asked for it.', {
    claims: { aud: ['intranet', CLIENT], azp: CLIENT },
  }),
];

export const ACCOUNT_CASES: readonly EvidenceCase[] = [
  enrolment('with-account', 'Somebody of the company enrolled by a sign-in for the invitation.'),
  enrolment('unpinned', 'The issuer is not pinned, so nothing shows who enrolled.', {
    isUnpinned: true,
  }),
];

export const FALSE_ACCOUNT_CASES: readonly EvidenceCase[] = [
  unlike('without-account', 'Somebody of the company enrolled by the link alone.', {
    isUnsaid: true,
  }),
  unlike('other-account', 'The sign-in is that of somebody else.', { of: ({ bob }) => bob }),
  unlike('forged-account', 'Another key than that of the issuer has signed the token.', {
    isForged: true,
  }),
  unlike('other-sign-in', 'The sign-in was to the ledger, and for no invitation.', {
    nonce: () => signInNonce({ ledger: ORIGIN, salt: NONCE_SALT }),
  }),
  unlike('other-invitation', 'The sign-in was for the invitation of somebody else.', {
    nonce: ({ bob }) =>
      signInNonce({ ledger: ORIGIN, salt: NONCE_SALT, invitation: bob.invitation.thumbprint }),
  }),
  unlike('old-sign-in', 'The sign-in was more than 15 minutes before.', {
    claims: { iat: IAT - 900 },
  }),
];

export const FALSE_MEMBERSHIP_CASES: readonly EvidenceCase[] = [
  broken('unsaid', 'The binding shows no sign-in.', { told: 'nothing' }),
  broken('forged', 'Another key than that of the issuer has signed the token.', {
    isForged: true,
  }),
  broken('other-person', 'The token is that of somebody else.', { of: ({ carol }) => carol }),
  broken('no-group', 'The token names other groups.', { claims: { groups: ['staff'] } }),
  broken('other-client', 'The token is for another client.', { claims: { aud: 'intranet' } }),
  broken('asked-by-other', 'The token is for two clients, and the other one has asked for it.', {
    claims: { aud: ['intranet', CLIENT], azp: 'intranet' },
  }),
  broken('other-issuer', 'The token is in the name of another issuer.', {
    claims: { iss: 'https://login.example.com/other' },
  }),
  broken('other-ledger', "The nonce is that of another ledger's sign-in.", {
    claims: { nonce: signInNonce({ ledger: 'elsewhere', salt: NONCE_SALT }) },
  }),
  broken('other-salt', 'The salt is not that of the tie.', { told: { subject_salt: NONCE_SALT } }),
  broken('other-key', 'The binding names another key of the issuer.', {
    told: { key: `sha256:${'0'.repeat(64)}` },
  }),
  broken('too-old', 'The token was made so long before that its time ends before the last use.', {
    claims: { iat: IAT - 3_600 + 120 },
  }),
  broken('of-the-future', 'The token is made long after the binding.', {
    claims: { iat: IAT + 7_200 },
  }),
  broken('with-a-name', 'The token says what the person is called.', { claims: { name: 'Bob' } }),
  broken('issuer-revoked', 'The issuer was taken out before.', { isRevoked: true }),
  broken('untied', 'Nobody has tied the person to the company.', { isUntied: true }),
];
