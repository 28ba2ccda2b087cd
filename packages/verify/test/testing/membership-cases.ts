import {
  DEFAULT_BOOTSTRAP,
  keyThumbprint,
  signInNonce,
  subjectDigest,
  type BoundDecision,
  type CedarPolicy,
  type CompanyGroup,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { SignJWT } from 'jose';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { CaseHead, EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { ORIGIN, readyLedger, type LedgerForge } from './ledger-forge.ts';
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

/** Bob approves under a rule that counts who is in a group of the company. */
async function bound(said: SignedIn = {}): Promise<EvidenceFile> {
  const { alg = 'ES256' } = said;
  const ledger = readyLedger();
  const { bob } = ledger;
  const own = keyPair(alg);
  const spki = own.publicKey.export({ type: 'spki', format: 'der' });
  const keys = [{ kid: 'one', alg, public_key: spki.toString('base64url') }];
  const issuer = { kind: 'issuer-enrolled', issuer: { id: ISSUER, keys, persons: [] } };
  ledger.change(issuer, { approvers: [bob] });
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
    key: keyThumbprint(spki),
  } as const;
  const { told = {} } = said;
  const decision = told === 'nothing' ? {} : { membership: { ...shown, ...told } };
  const made = ledger.bind(
    { rule: RULE, admission: { permits: ['command'] } },
    { approvers: [bob], decision },
  );
  return file(ledger, made);
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
