import { formatTimestamp, utf8, type JsonObject } from '@countersign/canonical';
import type { SoftwarePasskey } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import {
  BindingError,
  enrolmentPayload,
  parsePolicy,
  signInNonce,
  subjectDigest,
  type CedarPolicy,
  type Membership,
  type Outcome,
  type Policy,
} from '../src/index.ts';
import { ORIGIN, policyOf } from './test-documents.ts';
import { enrolmentOf } from './test-enrolment.ts';
import { ISSUER, OTHER_ISSUER, TestIssuer } from './test-issuer.ts';
import { invitationKey, type TestKey } from './test-keys.ts';
import { TestLedger, type Asked, type DecideOptions } from './test-ledger.ts';
import { START_MS, testPerson, type TestPerson } from './test-members.ts';

const CLIENT = 'countersign';
const SALT = 'c2FsdC1vZi10aGUtdGVzdHM';
const NONCE_SALT = 'bm9uY2Utb2YtdGhlLXRlc3Rz';
const WITHIN_S = 3_600;
const NOT_ELIGIBLE = { status: 'refused', code: 'NOT_ELIGIBLE' };
const ACCEPTED = { status: 'accepted' };

const GROUP = { issuer: ISSUER, audience: CLIENT, group: 'treasury', within_s: WITHIN_S };

const CEDAR = `@id("command") @rule("one")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

function groupPolicy(more: object = {}, cedar = CEDAR): CedarPolicy {
  const rule = Object.fromEntries(
    Object.entries(policyOf(1).rules[0] ?? {}).filter(([name]) => name !== 'types'),
  );
  const policy = {
    v: 'countersign.policy.v3',
    cedar,
    groups: {},
    rules: [{ ...rule, id: 'one', member_of: GROUP, ...more }],
  };
  // What is undefined is not there.
  return JSON.parse(JSON.stringify(policy)) as CedarPolicy;
}

/** A ledger that knows the issuer and, of Alice and Bob, who they are at the company. */
class Company {
  readonly ledger: TestLedger;
  readonly issuer: TestIssuer;

  private constructor(ledger: TestLedger, issuer: TestIssuer) {
    this.ledger = ledger;
    this.issuer = issuer;
  }

  static async of(policy: Policy = groupPolicy(), alg?: TestIssuer['alg']): Promise<Company> {
    const company = new Company(new TestLedger({ policy }), new TestIssuer(ISSUER, alg));
    const { ledger, issuer } = company;
    expect(await ledger.change(issuer.change([], {}))).toEqual(ACCEPTED);
    for (const person of [ledger.alice, ledger.bob]) await company.tie(person);
    return company;
  }

  async tie({ id: person }: TestPerson, more: JsonObject = {}): Promise<void> {
    const { ledger } = this;
    const subject_digest = subjectDigest({
      issuer: ISSUER,
      subject: subjectOf(person),
      salt: SALT,
    });
    const change = { kind: 'person-tied', person, issuer: ISSUER, subject_digest, ...more };
    expect(await ledger.change(change)).toEqual(ACCEPTED);
  }

  /** Of a sign-in now, unless it is said otherwise. */
  async signIn(
    { id }: TestPerson,
    claims: JsonObject = {},
    more: Partial<Membership> & { by?: TestIssuer } = {},
  ): Promise<Membership> {
    const { by = this.issuer, ...other } = more;
    const iat = Math.floor(this.ledger.nowMs / 1_000);
    const token = await by.token({
      sub: subjectOf(id),
      aud: CLIENT,
      iat,
      exp: iat + 300,
      nonce: signInNonce({ ledger: ORIGIN, salt: NONCE_SALT }),
      groups: ['staff', 'treasury'],
      scope: null,
      ...claims,
    });
    return { token, subject_salt: SALT, nonce_salt: NONCE_SALT, ...other };
  }

  async decide(person: TestPerson, asked: Asked, options: DecideOptions = {}): Promise<Outcome> {
    return this.ledger.decide(person, asked, options);
  }
}

function subjectOf(person: string): string {
  return `sub-${person}`;
}

describe('an approval by a group of the company', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)(
    'counts by a token that its issuer has signed with %s, and stands in decision and binding',
    async (alg) => {
      const company = await Company.of(groupPolicy(), alg);
      const { ledger } = company;
      const asked = await ledger.request();
      expect(asked.admission.entry.requirement.member_of).toEqual(GROUP);
      const membership = await company.signIn(ledger.alice);
      expect(await company.decide(ledger.alice, asked, { membership })).toEqual(ACCEPTED);
      const { decisions, use_by } = ledger.last('binding-made').entry;
      const proven = { ...membership, key: expect.stringMatching(/^sha256:/) as unknown };
      expect(decisions[0]?.membership).toEqual(proven);
      expect(ledger.last('decision-accepted').entry.membership).toEqual(proven);
      const bound = { ...asked, binding: ledger.last('binding-made') };
      expect(use_by <= formatTimestamp(ledger.nowMs + WITHIN_S * 1_000)).toBe(true);
      expect(await ledger.use(ledger.useClaim(bound))).toEqual(ACCEPTED);
    },
  );

  it('D11: does not count without a sign-in, or by a role that the person has not', async () => {
    const company = await Company.of();
    const { ledger } = company;
    const asked = await ledger.request();
    expect(await company.decide(ledger.alice, asked)).toEqual(NOT_ELIGIBLE);
    const without = await company.signIn(ledger.alice, { groups: ['staff'] });
    expect(await company.decide(ledger.alice, asked, { membership: without })).toEqual(
      NOT_ELIGIBLE,
    );
    // The role comes later, and so does an approval that counts.
    ledger.nowMs += 60_000;
    const membership = await company.signIn(ledger.alice);
    expect(await company.decide(ledger.alice, asked, { membership })).toEqual(ACCEPTED);
  });

  it.each<[string, (company: Company) => Promise<Membership>]>([
    ['the token of somebody else', (c) => c.signIn(c.ledger.bob)],
    [
      'a token that nobody has signed for',
      async (c) => {
        const { token, ...salts } = await c.signIn(c.ledger.alice);
        return { ...salts, token: `${token.slice(0, -6)}AAAAAA` };
      },
    ],
    [
      'groups that the gateway has put in',
      async (c) => {
        const real = await c.signIn(c.ledger.alice, { groups: [] });
        const [head = '', body = '', tail = ''] = real.token.split('.');
        const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as JsonObject;
        const forged = Buffer.from(JSON.stringify({ ...claims, groups: ['treasury'] }));
        return { ...real, token: [head, forged.toString('base64url'), tail].join('.') };
      },
    ],
    [
      'a token of another issuer',
      (c) => c.signIn(c.ledger.alice, {}, { by: new TestIssuer(OTHER_ISSUER) }),
    ],
    [
      'a token of a key that the issuer has not, under its name',
      (c) => c.signIn(c.ledger.alice, {}, { by: new TestIssuer(ISSUER) }),
    ],
    ['a token for another client', (c) => c.signIn(c.ledger.alice, { aud: 'intranet' })],
    [
      'a token for several clients that another one asked for',
      (c) => c.signIn(c.ledger.alice, { aud: [CLIENT, 'intranet'], azp: 'intranet' }),
    ],
    [
      "a token of another ledger's sign-in",
      (c) =>
        c.signIn(c.ledger.alice, { nonce: signInNonce({ ledger: 'elsewhere', salt: NONCE_SALT }) }),
    ],
    ['a token that names no sign-in', (c) => c.signIn(c.ledger.alice, { nonce: 'n-0S6_WzA2Mj' })],
    ['another salt', (c) => c.signIn(c.ledger.alice, {}, { subject_salt: NONCE_SALT })],
    [
      'a token that is older than the rule takes',
      (c) => {
        const iat = Math.floor(c.ledger.nowMs / 1_000) - WITHIN_S - 1;
        return c.signIn(c.ledger.alice, { iat });
      },
    ],
    [
      'a token of the future',
      (c) => {
        const iat = Math.floor(c.ledger.nowMs / 1_000) + 301;
        return c.signIn(c.ledger.alice, { iat });
      },
    ],
    ['a token with a name', (c) => c.signIn(c.ledger.alice, { name: 'Alice' })],
    ['a token with an address', (c) => c.signIn(c.ledger.alice, { email: 'alice@acme.example' })],
  ])('D11: does not count by %s', async (_, make) => {
    const company = await Company.of();
    const { ledger } = company;
    const asked = await ledger.request();
    const membership = await make(company);
    expect(await company.decide(ledger.alice, asked, { membership })).toEqual(NOT_ELIGIBLE);
    const denial = { membership, verdict: 'deny' } as const;
    expect(await company.decide(ledger.alice, asked, denial)).toEqual(NOT_ELIGIBLE);
  });

  it('D11: does not count for who is not tied to the company', async () => {
    const company = await Company.of();
    const { ledger } = company;
    const asked = await ledger.request(ledger.envelope({}, ledger.other), ledger.other);
    const membership = await company.signIn(ledger.owner);
    expect(await company.decide(ledger.owner, asked, { membership })).toEqual(NOT_ELIGIBLE);
  });

  it('counts exactly to the end of its time, and leaves no use behind it', async () => {
    const company = await Company.of();
    const { ledger } = company;
    const membership = await company.signIn(ledger.alice);
    const endMs = Math.floor(ledger.nowMs / 1_000) * 1_000 + WITHIN_S * 1_000;
    ledger.nowMs = endMs - 60_000;
    const first = await ledger.request();
    const second = await ledger.request();
    await company.decide(ledger.alice, first, { membership });
    const bound = { ...first, binding: ledger.last('binding-made') };
    expect(bound.binding.entry.use_by).toBe(formatTimestamp(endMs));
    ledger.nowMs = endMs;
    expect(await company.decide(ledger.alice, second, { membership })).toEqual(ACCEPTED);
    ledger.nowMs = endMs + 1;
    const third = await ledger.request();
    expect(await company.decide(ledger.alice, third, { membership })).toEqual(NOT_ELIGIBLE);
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'EXPIRED' });
  });

  it('D10: counts no more for a quorum that is met after its end', async () => {
    const company = await Company.of(groupPolicy({ approvals: 2, decide_within_s: 9_000 }));
    const { ledger } = company;
    const asked = await ledger.request();
    const early = { membership: await company.signIn(ledger.alice) };
    expect(await company.decide(ledger.alice, asked, early)).toEqual(ACCEPTED);
    ledger.nowMs += (WITHIN_S + 1) * 1_000;
    const late = { membership: await company.signIn(ledger.bob) };
    expect(await company.decide(ledger.bob, asked, late)).toEqual(ACCEPTED);
    expect(ledger.state.action(asked.admission.entry.action_id)?.status).toBe('pending');
    const again = { membership: await company.signIn(ledger.alice), text: 'still right' };
    expect(await company.decide(ledger.alice, asked, again)).toEqual(ACCEPTED);
    expect(ledger.last('binding-made').entry.decisions).toHaveLength(2);
  });

  it.each<[string, (company: Company) => Promise<unknown>]>([
    ['the issuer', ({ ledger }) => ledger.change({ kind: 'issuer-revoked', id: ISSUER })],
    ['the tie', (c) => c.tie(c.ledger.alice, { issuer: OTHER_ISSUER })],
  ])('D10: is not used once %s is another: APPROVER_REVOKED', async (_, change) => {
    const company = await Company.of();
    const { ledger } = company;
    const asked = await ledger.request();
    await company.decide(ledger.alice, asked, { membership: await company.signIn(ledger.alice) });
    const bound = { ...asked, binding: ledger.last('binding-made') };
    await change(company);
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'APPROVER_REVOKED' });
  });

  it('is kept of no decision that needs none', async () => {
    const company = await Company.of(groupPolicy({ member_of: undefined }));
    const { ledger } = company;
    const asked = await ledger.request();
    await company.decide(ledger.alice, asked, { membership: await company.signIn(ledger.alice) });
    expect(ledger.last('decision-accepted').entry).not.toHaveProperty('membership');
  });
});

describe('a rule with a group of the company', () => {
  it.each([
    ['more approvals than bindings have room for', { approvals: 9 }],
    ['no time at all', { member_of: { ...GROUP, within_s: 59 } }],
    ['more than a day', { member_of: { ...GROUP, within_s: 86_401 } }],
    ['an unknown member', { member_of: { ...GROUP, role: 'x' } }],
  ])('is not one with %s', (_, more) => {
    const policy = groupPolicy(more) as unknown as JsonObject;
    expect(() => parsePolicy(policy)).toThrow(BindingError);
  });

  it.each<[string, readonly [object, object], string]>([
    ['asks for one', [{ member_of: undefined }, {}], 'POLICY_CHANGED'],
    ['asks for another', [{}, { member_of: { ...GROUP, group: 'board' } }], 'POLICY_CHANGED'],
    ['asks for a younger token', [{}, { member_of: { ...GROUP, within_s: 60 } }], 'POLICY_CHANGED'],
    ['takes an older token', [{}, { member_of: { ...GROUP, within_s: 7_200 } }], 'accepted'],
    ['asks for none', [{}, { member_of: undefined }], 'accepted'],
  ])('F01: a use under a policy that %s', async (_, [before, after], expected) => {
    const company = await Company.of(groupPolicy(before));
    const { ledger } = company;
    const asked = await ledger.request();
    await company.decide(ledger.alice, asked, { membership: await company.signIn(ledger.alice) });
    const bound = { ...asked, binding: ledger.last('binding-made') };
    const policy = groupPolicy(after) as unknown as JsonObject;
    expect(await ledger.change({ kind: 'policy-set', policy })).toEqual(ACCEPTED);
    const outcome = await ledger.use(ledger.useClaim(bound));
    expect('code' in outcome ? outcome.code : outcome.status).toBe(expected);
  });

  it.each([
    ['the same group, and the younger token', { ...GROUP, within_s: 60 }, 60],
    ['no other group', { ...GROUP, group: 'board' }, undefined],
  ])('joins with one of %s', async (_, member_of, within) => {
    const both = `${CEDAR}@id("again") @rule("two")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;
    const policy = groupPolicy({}, both);
    const [rule] = policy.rules;
    const rules = [rule, { ...rule, id: 'two', member_of }] as CedarPolicy['rules'];
    const ledger = new TestLedger({ policy: { ...policy, rules } });
    const outcome = await ledger.submit('request', ledger.requestFrame(ledger.envelope()));
    if (within === undefined) expect(outcome).toMatchObject({ code: 'NO_POLICY' });
    else {
      const { requirement } = ledger.last('request-admitted').entry;
      expect(requirement.member_of).toEqual({ ...GROUP, within_s: within });
    }
  });
});

describe('an enrolment of somebody of the company', () => {
  /** Dora is invited, and tied to the company. */
  async function invited(rules: 1 | 2 = 2, isPinned = true): Promise<Invited> {
    const ledger = new TestLedger({ rules });
    const issuer = new TestIssuer();
    if (isPinned) await ledger.change(issuer.change([]));
    const key = invitationKey();
    const { id: person, passkey } = testPerson();
    const not_after = formatTimestamp(ledger.nowMs + 3_600_000);
    const by = { id: key.thumbprint, public_key: key.publicKey, not_after };
    const subject_digest = subjectDigest({
      issuer: ISSUER,
      subject: subjectOf(person),
      salt: SALT,
    });
    const tied = { kind: 'person-tied', person, issuer: ISSUER, subject_digest };
    const change = { ...tied, invited: { class: 'natural', invitation: by } };
    expect(await ledger.change(change)).toEqual(ACCEPTED);
    return { ledger, issuer, key, person, passkey };
  }

  interface Invited {
    readonly ledger: TestLedger;
    readonly issuer: TestIssuer;
    readonly key: TestKey;
    readonly person: string;
    readonly passkey: SoftwarePasskey;
  }

  async function enrol(
    { ledger, issuer, key, person, passkey }: Invited,
    claims: JsonObject | undefined,
  ): Promise<Outcome> {
    const statement = { ...enrolmentOf(key, { person, passkey }), nonce: NONCE_SALT };
    const iat = Math.floor(ledger.nowMs / 1_000);
    const signIn = { ledger: ORIGIN, salt: NONCE_SALT, invitation: key.thumbprint };
    const own = { sub: subjectOf(person), aud: CLIENT, iat, exp: iat + 300, scope: null };
    const token = await issuer.token({ ...own, nonce: signInNonce(signIn), ...claims });
    const identity = { token, subject_salt: SALT, nonce_salt: NONCE_SALT };
    const signature = key.sign('enrolment', enrolmentPayload(statement));
    const frame = { statement, signature, ...(claims !== undefined && { identity }) };
    return ledger.submit('enrolment', utf8(JSON.stringify(frame)));
  }

  it('D14: takes a sign-in for this very invitation, and holds it', async () => {
    const who = await invited();
    expect(await enrol(who, {})).toEqual(ACCEPTED);
    expect(who.ledger.last('authority-changed').entry.change).toHaveProperty('identity.key');
  });

  it.each<[string, JsonObject | undefined]>([
    ['the link alone', undefined],
    ['the account of somebody else', { sub: 'sub-of-somebody' }],
    ['a sign-in for no invitation', { nonce: signInNonce({ ledger: ORIGIN, salt: NONCE_SALT }) }],
    ['a sign-in of another time', { iat: Math.floor(START_MS / 1_000) - 901 }],
    ['a token with a name', { name: 'Dora' }],
  ])('D14: is INVITATION_INVALID by %s', async (_, claims) => {
    const refused = { status: 'quarantined', code: 'INVITATION_INVALID' };
    expect(await enrol(await invited(), claims)).toEqual(refused);
  });

  it('asks for none where the issuer is not pinned, and by rules 1, and keeps none', async () => {
    for (const who of [await invited(2, false), await invited(1)]) {
      expect(await enrol(who, {})).toEqual(ACCEPTED);
      expect(who.ledger.last('authority-changed').entry.change).not.toHaveProperty('identity');
    }
    expect(await enrol(await invited(1), undefined)).toEqual(ACCEPTED);
  });
});
