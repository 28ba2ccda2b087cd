import { createHash } from 'node:crypto';
import { enrolmentPayload, parsePolicy, type EnrolmentStatement } from '@countersign/binding';
import { utf8, type Json, type JsonObject } from '@countersign/canonical';
import { SoftwareMaker } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import { policyOf } from './test-documents.ts';
import { enrolmentOf, invitationOf } from './test-enrolment.ts';
import { invitationKey } from './test-keys.ts';
import { TestLedger, type TestLedgerOptions } from './test-ledger.ts';
import { START_MS, newPasskey, testPerson, type TestPerson } from './test-members.ts';

const MODEL = 'cb69481e-8ff7-4039-93ec-0a2729a154a8';
const OTHER_MODEL = 'ee882879-721c-4913-9775-3dfcce97072a';
const MAKER = new SoftwareMaker({ model: Buffer.from(MODEL.replaceAll('-', ''), 'hex') });
const ROOT: `sha256:${string}` = `sha256:${createHash('sha256').update(MAKER.root).digest('hex')}`;
const OTHER_ROOT: `sha256:${string}` = `sha256:${'5c'.repeat(32)}`;

function wanting(attested: Json): TestLedgerOptions {
  return { policy: policyOf(1, { attested }) };
}

interface Enrolled {
  readonly person: TestPerson;
  readonly outcome: unknown;
}

/** Somebody who registers a passkey of this maker, and shows what it says of it unless told otherwise. */
async function enrolledIn(
  ledger: TestLedger,
  more: {
    maker?: SoftwareMaker;
    root?: Buffer;
    isShown?: boolean;
    spoil?: Partial<EnrolmentStatement>;
  } = {},
): Promise<Enrolled> {
  const { maker = MAKER, root = maker.root, isShown = true, spoil } = more;
  const key = invitationKey();
  const { id: person } = ledger.alice;
  const passkey = newPasskey(maker);
  await ledger.change(invitationOf(key, person));
  const statement: EnrolmentStatement = {
    ...enrolmentOf(key, { person, passkey }),
    ...(isShown && { attestation: passkey.attestation(root) }),
    ...spoil,
  };
  const signature = key.sign('enrolment', enrolmentPayload(statement));
  const outcome = await ledger.submit('enrolment', utf8(JSON.stringify({ statement, signature })));
  return { person: { ...ledger.alice, passkey }, outcome };
}

function jsonOf(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

describe('an enrolment with an attestation', () => {
  it('gives a credential of that model, under the root that vouches for it', async () => {
    const ledger = new TestLedger();
    const { person, outcome } = await enrolledIn(ledger);
    expect(outcome).toEqual({ status: 'accepted' });
    expect(ledger.state.authority.get('credential', person.passkey.credentialId)).toMatchObject({
      attestation: { model: MODEL, root: ROOT },
    });
  });

  it('D08: is refused where it is of another key, or not signed by whom it names', async () => {
    const ledger = new TestLedger();
    const { public_key } = newPasskey().credentialKey;
    const refused = { status: 'quarantined', code: 'ASSERTION_INVALID' };
    const stolen = await enrolledIn(ledger, { spoil: { public_key } });
    expect(stolen.outcome).toMatchObject(refused);
    const forger = new SoftwareMaker({ model: MAKER.model });
    const forged = { maker: forger, root: MAKER.root };
    expect((await enrolledIn(ledger, forged)).outcome).toMatchObject(refused);
  });

  it('D08: is refused once a certificate of it is over, by ledger time', async () => {
    const ledger = new TestLedger();
    const maker = new SoftwareMaker({
      model: MAKER.model,
      batch: { notAfter: new Date(START_MS - 1_000) },
    });
    expect((await enrolledIn(ledger, { maker })).outcome).toMatchObject({
      code: 'ASSERTION_INVALID',
    });
  });

  it('D08: is of no founding passkey, where nobody has proven it', () => {
    const alice = testPerson();
    const members = alice.members.map((member) =>
      member.kind === 'credential' && !('proof' in member)
        ? { ...member, attestation: { model: MODEL, root: ROOT } }
        : member,
    );
    const people = { owner: testPerson(), alice: { ...alice, members }, bob: testPerson() };
    expect(() => new TestLedger({ people })).toThrow('no attestation of a founding passkey');
  });

  it('is refused by rules 1, which knew none', async () => {
    const ledger = new TestLedger({ rules: 1 });
    expect((await enrolledIn(ledger)).outcome).toMatchObject({ code: 'UNKNOWN_MEMBER' });
    expect((await enrolledIn(ledger, { isShown: false })).outcome).toEqual({ status: 'accepted' });
  });
});

describe('a rule that wants keys of known models', () => {
  it.each<[string, Json]>([
    ['this root', [{ root: ROOT }]],
    ['this model of it', [{ root: OTHER_ROOT }, { root: ROOT, models: [OTHER_MODEL, MODEL] }]],
  ])('is frozen in admission and binding, and binds by a key of %s', async (_, attested) => {
    const ledger = new TestLedger(wanting(attested));
    const { person } = await enrolledIn(ledger);
    const asked = await ledger.request();
    expect(await ledger.decide(person, asked)).toEqual({ status: 'accepted' });
    const { entry } = ledger.last('binding-made');
    expect(entry).toMatchObject({ requirement: { attested } });
  });

  it.each<[string, Json, object]>([
    ['of another model', [{ root: ROOT, models: [OTHER_MODEL] }], {}],
    ['under another root', [{ root: OTHER_ROOT, models: [MODEL] }], {}],
    ['that nobody vouches for', [{ root: ROOT }], { isShown: false }],
  ])('D08: refuses a key %s: AUTHENTICATOR_CLASS', async (_, attested, more) => {
    const ledger = new TestLedger(wanting(attested));
    const { person } = await enrolledIn(ledger, more);
    const asked = await ledger.request();
    for (const verdict of ['approve', 'deny'] as const) {
      expect(await ledger.decide(person, asked, { verdict })).toEqual({
        status: 'refused',
        code: 'AUTHENTICATOR_CLASS',
      });
    }
    expect(ledger.entries('binding-made').filter(({ entry }) => 'rule' in entry)).toHaveLength(0);
    expect(await ledger.decide(person, asked, { verdict: 'revoke' })).toEqual({
      status: 'accepted',
    });
  });

  it.each<[string, Json | undefined, string]>([
    ['the same', [{ root: ROOT }], 'accepted'],
    ['no', undefined, 'accepted'],
    ['fewer', [{ root: ROOT, models: [MODEL] }], 'POLICY_CHANGED'],
    ['other', [{ root: OTHER_ROOT }], 'POLICY_CHANGED'],
  ])(
    'F01: lets what it bound be used while the policy asks for %s models',
    async (_, now, code) => {
      const ledger = new TestLedger(wanting([{ root: ROOT }]));
      const { person } = await enrolledIn(ledger);
      const asked = await ledger.request();
      await ledger.decide(person, asked);
      const bound = { ...asked, binding: ledger.last('binding-made') };
      const policy = policyOf(1, now === undefined ? { rationale: 'optional' } : { attested: now });
      await ledger.change({ kind: 'policy-set', policy: jsonOf(policy) });
      const used = await ledger.use(ledger.useClaim(bound));
      expect('code' in used ? used.code : used.status).toBe(code);
    },
  );

  it('is none in a ledger of rules 1, which cannot know a model', async () => {
    const ledger = new TestLedger({ ...wanting([{ root: ROOT }]), rules: 1 });
    const frame = ledger.requestFrame(ledger.envelope(), ledger.agent);
    expect(await ledger.submit('request', frame)).toMatchObject({ code: 'NO_POLICY' });
  });

  it.each<[string, JsonObject]>([
    ['no root', { attested: [] }],
    ['a root twice', { attested: [{ root: ROOT }, { root: ROOT, models: [MODEL] }] }],
    ['no model', { attested: [{ root: ROOT, models: [] }] }],
    ['a model twice', { attested: [{ root: ROOT, models: [MODEL, MODEL] }] }],
    ['a model in capitals', { attested: [{ root: ROOT, models: [MODEL.toUpperCase()] }] }],
    ['possession beside it', { attested: [{ root: ROOT }], proof_classes: ['uv', 'possession'] }],
  ])('is refused with %s', (_, more) => {
    expect(() => parsePolicy(jsonOf(policyOf(1, more)))).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }),
    );
  });
});
