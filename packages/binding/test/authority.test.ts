import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { describe, expect, it } from 'vitest';
import {
  AuthorityState,
  authorityFromGenesis,
  enrolmentPayload,
  keyThumbprint,
  membershipProof,
  verifyMembership,
  type Enrolment,
  type EnrolmentStatement,
} from '@countersign/binding';
import {
  ed25519Spki,
  formatTimestamp,
  fromBase64url,
  toBase64url,
  utf8,
  type JsonObject,
} from '@countersign/canonical';
import { ORIGIN, TENANT, policyOf } from './test-documents.ts';
import { enrolmentOf, invitationOf } from './test-enrolment.ts';
import { ed25519Key, invitationKey, type TestKey } from './test-keys.ts';
import { TestLedger } from './test-ledger.ts';
import { START_MS, newPasskey, testPerson, ulidAt } from './test-members.ts';

const PERSON = `prs_${ulidAt(START_MS, 999)}`;

function invitation(key: TestKey, person = PERSON): JsonObject {
  return invitationOf(key, person);
}

function enrolment(key: TestKey, more: Partial<EnrolmentStatement> = {}): Uint8Array {
  const own = enrolmentOf(key, { person: PERSON, passkey: newPasskey() });
  const statement: EnrolmentStatement = { ...own, ...more };
  const signed: Enrolment = {
    statement,
    signature: key.sign('enrolment', enrolmentPayload(statement)),
  };
  return utf8(JSON.stringify(signed));
}

describe('a change of the authority', () => {
  it('is bound by persons, and takes effect in the same batch, which it ends', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request(ledger.changeEnvelope(invitation(invitationKey())));
    const before = ledger.state.authorityRef;
    const bytes = ledger.decisionFrame(ledger.alice, asked);
    const decided = await ledger.decided('decision', bytes);
    if ('status' in decided) throw new Error('expected entries');
    expect(decided.endsBatch).toBe(true);
    expect(decided.entries.map(({ entry }) => entry.type)).toEqual([
      'decision-accepted',
      'binding-made',
      'authority-changed',
    ]);
    ledger.state.apply(decided);
    ledger.log.push(...decided.entries);
    const { entry, leaf, index } = ledger.last('authority-changed');
    expect(entry.previous).toEqual(before);
    expect(entry.change).toMatchObject({
      change: 'bound',
      binding: ledger.last('binding-made').leaf,
      binding_index: ledger.last('binding-made').index,
    });
    expect(ledger.state.authorityRef).toEqual({ index, leaf, root: entry.authority_root });
    expect(ledger.state.authority.has('person', PERSON)).toBe(true);
  });

  it('can never be claimed as a use', async () => {
    const ledger = new TestLedger();
    await ledger.change(invitation(invitationKey()));
    const binding = ledger.last('binding-made');
    const claim = {
      v: 'countersign.use.v1',
      tenant: TENANT,
      action_id: binding.entry.action_id,
      use_id: ledger.newUlid(),
      action_digest: binding.entry.action_digest,
      binding: binding.leaf,
      executor: 'build-1',
      claimed_at: formatTimestamp(ledger.nowMs),
    };
    expect(await ledger.use(claim)).toEqual({ status: 'refused', code: 'ALREADY_CONSUMED' });
  });

  it('needs the bootstrap rule, whatever the policy says', async () => {
    const ledger = new TestLedger({ bootstrapApprovals: 2 });
    const asked = await ledger.request(ledger.changeEnvelope(invitation(invitationKey())));
    expect(asked.admission.entry.requirement).toMatchObject({ rule: 'bootstrap', approvals: 2 });
    await ledger.decide(ledger.alice, asked);
    expect(ledger.entries('authority-changed')).toHaveLength(0);
    await ledger.decide(ledger.bob, asked);
    expect(ledger.entries('authority-changed')).toHaveLength(1);
  });

  it('sets a policy that holds from then on', async () => {
    const ledger = new TestLedger();
    await ledger.change({ kind: 'policy-set', policy: policyOf(2) as never });
    expect((await ledger.request()).admission.entry.requirement.approvals).toBe(2);
  });

  it('E04: takes a type that was not there when the ledger was founded, and a rule for it', async () => {
    const ledger = new TestLedger({
      foundedWith: ['authority.change', 'authority.logkey', 'generic.command', 'iam.policy.change'],
    });
    const type = 'generic.tool_call';
    const params = {
      server: {
        name: 'files',
        version: '1.2.3',
        origin: { kind: 'url', url: 'https://mcp.example.com/mcp' },
      },
      tool: { name: 'read_file', descriptor_digest: `sha256:${'a2'.repeat(32)}` },
      arguments: '{"path":"/etc/hosts"}',
    };
    const codeOf = async (): Promise<unknown> => {
      const frame = ledger.requestFrame(ledger.envelope({ type, params }));
      const outcome = await ledger.submit('request', frame);
      return outcome.status === 'refused' ? outcome.code : outcome.status;
    };
    expect(await codeOf()).toBe('NO_POLICY');
    const descriptor = BUILTIN_DESCRIPTORS.find((each) => each.type === type);
    const digest = descriptor?.digest ?? '';
    await ledger.change({ kind: 'descriptor-enrolled', type, type_version: 1, digest });
    expect(await codeOf()).toBe('NO_POLICY');
    const policy = policyOf(1, { types: ['generic.command', type] }) as unknown as JsonObject;
    await ledger.change({ kind: 'policy-set', policy });
    expect(await codeOf()).toBe('accepted');
    expect(ledger.last('request-admitted').entry.descriptor_digest).toBe(digest);
  });

  it('is refused at once when it is not possible', async () => {
    const ledger = new TestLedger();
    const cases: readonly [JsonObject, string][] = [
      [{ kind: 'agent-revoked', id: 'nobody' }, 'MEMBER_UNKNOWN'],
      [{ kind: 'credential-revoked', credential_id: 'AAAA' }, 'MEMBER_UNKNOWN'],
      [
        {
          kind: 'agent-enrolled',
          agent: {
            id: 'deployer',
            public_key: ed25519Key('new').publicKey,
            owner: ledger.owner.id,
            operator: false,
          },
        },
        'MEMBER_EXISTS',
      ],
      [
        {
          kind: 'agent-enrolled',
          agent: {
            id: 'twin',
            public_key: ledger.agent.key.publicKey,
            owner: ledger.owner.id,
            operator: false,
          },
        },
        'MEMBER_EXISTS',
      ],
      [{ kind: 'policy-set', policy: { v: 'countersign.policy.v1' } }, 'SCHEMA_INVALID'],
    ];
    for (const [change, code] of cases) {
      const outcome = await ledger.submit(
        'request',
        ledger.requestFrame(ledger.changeEnvelope(change)),
      );
      expect(outcome).toEqual({ status: 'refused', code });
    }
  });

  it('is refused when it would lock everybody out', async () => {
    const ledger = new TestLedger({ bootstrapApprovals: 2 });
    // Owner, Alice and Bob: of an agent of the owner's requests two others must be left to approve.
    const revoke = ledger.changeEnvelope({
      kind: 'credential-revoked',
      credential_id: ledger.alice.passkey.credentialId,
    });
    const other = ledger.changeEnvelope({ kind: 'agent-revoked', id: 'janitor' });
    await ledger.request(revoke);
    const asked = await ledger.request(other);
    await ledger.decide(ledger.alice, asked);
    await ledger.decide(ledger.bob, asked);
    expect(
      await ledger.submit(
        'request',
        ledger.requestFrame(
          ledger.changeEnvelope({
            kind: 'credential-revoked',
            credential_id: ledger.alice.passkey.credentialId,
          }),
        ),
      ),
    ).toEqual({ status: 'refused', code: 'WOULD_LOCK_OUT' });
  });

  it('does not bind any more when it became impossible, and the request stays open', async () => {
    const ledger = new TestLedger();
    const change = { kind: 'agent-revoked', id: 'janitor' };
    const one = await ledger.request(ledger.changeEnvelope(change));
    const two = await ledger.request(ledger.changeEnvelope(change));
    await ledger.decide(ledger.alice, one);
    expect(await ledger.decide(ledger.alice, two)).toEqual({
      status: 'refused',
      code: 'AUTHORITY_STALE',
    });
    expect(ledger.state.action(two.action.envelope.action_id)?.status).toBe('pending');
  });

  it('D02: is not approved by who owns the agent that asks, nor by two who are one person', async () => {
    const ledger = new TestLedger({ bootstrapApprovals: 2 });
    const asked = await ledger.request(ledger.changeEnvelope(invitation(invitationKey())));
    expect(await ledger.decide(ledger.owner, asked)).toEqual({
      status: 'refused',
      code: 'OWNER_APPROVAL',
    });
    await ledger.decide(ledger.alice, asked);
    expect(await ledger.decide(ledger.alice, asked, { text: 'again' })).toMatchObject({
      code: 'ALREADY_DECIDED',
    });
    expect(ledger.entries('authority-changed')).toHaveLength(0);
  });

  it('D03: makes no natural person of a role, and no ledger of an executor', async () => {
    const role = testPerson('role');
    const ledger = new TestLedger({ extra: role.members });
    const ask = (envelope: JsonObject): Promise<unknown> =>
      ledger.submit('request', ledger.requestFrame(envelope));
    const promotion = ledger.changeEnvelope(invitation(invitationKey(), role.id));
    expect(await ask(promotion)).toEqual({ status: 'refused', code: 'MEMBER_EXISTS' });
    const { executor } = ledger.envelope();
    const elsewhere = {
      ...ledger.changeEnvelope(invitation(invitationKey())),
      executor: executor ?? null,
    };
    const asLedger = { ...ledger.envelope(), executor: promotion['executor'] ?? null };
    for (const envelope of [elsewhere, asLedger]) {
      expect(await ask(envelope)).toEqual({ status: 'refused', code: 'EXECUTOR_UNKNOWN' });
    }
    const posing = {
      kind: 'executor-enrolled',
      executor: {
        id: 'ledger',
        public_key: ed25519Key('posing').publicKey,
        audiences: [ORIGIN],
        interface_digest: `sha256:${'ab'.repeat(32)}`,
      },
    };
    expect(await ask(ledger.changeEnvelope(posing))).toMatchObject({ code: 'SCHEMA_INVALID' });
  });

  it('F08: what a revoked agent asked for is not bound any more', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request(ledger.envelope({}, ledger.other), ledger.other);
    await ledger.change({ kind: 'agent-revoked', id: 'janitor' });
    expect(await ledger.decide(ledger.bob, asked)).toMatchObject({ code: 'AGENT_UNKNOWN' });
    const frame = ledger.requestFrame(ledger.envelope({}, ledger.other), ledger.other);
    expect(await ledger.submit('request', frame)).toMatchObject({ code: 'AGENT_UNKNOWN' });
  });

  it('D10: an approval by a key that is gone does not fill a seat', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const third = testPerson();
    const wider = TestLedger.twinOf(ledger, {}, { extra: third.members });
    const asked = await wider.request();
    await wider.decide(wider.alice, asked);
    const credential_id = wider.alice.passkey.credentialId;
    const gone = await wider.request(
      wider.changeEnvelope({ kind: 'credential-revoked', credential_id }),
    );
    await wider.decide(wider.bob, gone);
    expect(await wider.decide(wider.alice, asked, { text: 'again' })).toEqual({
      status: 'refused',
      code: 'KEY_NOT_ENROLLED_AT_TIME',
    });
    await wider.decide(wider.bob, asked);
    expect(wider.state.action(asked.action.envelope.action_id)?.status).toBe('pending');
    await wider.decide(third, asked);
    expect(wider.last('binding-made').entry.decisions.map(({ person }) => person)).toEqual([
      wider.bob.id,
      third.id,
    ]);
  });
});

describe('an enrolment', () => {
  it('D13: takes an invitation that persons have bound, and uses it up', async () => {
    const ledger = new TestLedger();
    const key = invitationKey();
    expect(await ledger.submit('enrolment', enrolment(key))).toEqual({
      status: 'quarantined',
      code: 'INVITATION_INVALID',
    });
    await ledger.change(invitation(key));
    const bytes = enrolment(key);
    expect(await ledger.submit('enrolment', bytes)).toEqual({ status: 'accepted' });
    expect(ledger.last('authority-changed').entry.change.change).toBe('credential-enrolled');
    expect(ledger.state.authority.has('invitation', key.thumbprint)).toBe(false);
    const { index } = ledger.last('authority-changed');
    expect(await ledger.submit('enrolment', bytes)).toEqual({ status: 'repeated', index });
    expect(await ledger.submit('enrolment', enrolment(key))).toMatchObject({
      code: 'INVITATION_INVALID',
    });
  });

  it.each([
    ['INVITATION_INVALID', { person: `prs_${ulidAt(START_MS, 998)}` }],
    ['SCHEMA_INVALID', { rp_id: 'example.com' }],
    ['TYPE_CONFUSION', { tenant: 'other' }],
    ['SCHEMA_INVALID', { public_key: 'A'.repeat(100) }],
  ])('is refused with %s', async (code, more) => {
    const ledger = new TestLedger();
    const key = invitationKey();
    await ledger.change(invitation(key));
    expect(await ledger.submit('enrolment', enrolment(key, more))).toEqual({
      status: 'quarantined',
      code,
    });
    expect(ledger.entries('authority-changed')).toHaveLength(1);
  });

  it('is refused when the invitation is over, or another key signed', async () => {
    const ledger = new TestLedger();
    const key = invitationKey();
    await ledger.change(invitation(key));
    const forged = { ...key, sign: invitationKey().sign };
    expect(await ledger.submit('enrolment', enrolment(forged))).toMatchObject({
      code: 'SIGNATURE_INVALID',
    });
    ledger.nowMs += 3_600_001;
    expect(await ledger.submit('enrolment', enrolment(key))).toMatchObject({
      code: 'INVITATION_INVALID',
    });
  });

  it('D13: does not bring back a key that was revoked, by the enrolment of long ago', async () => {
    const ledger = new TestLedger();
    const key = invitationKey();
    await ledger.change(invitation(key));
    const bytes = enrolment(key);
    await ledger.submit('enrolment', bytes);
    const { change } = ledger.last('authority-changed').entry;
    if (change.change !== 'credential-enrolled') throw new Error('expected an enrolment');
    const { credential_id } = change.statement;
    await ledger.change({ kind: 'credential-revoked', credential_id });
    ledger.nowMs += 1_800_000;
    expect(await ledger.submit('enrolment', bytes)).toMatchObject({ code: 'INVITATION_INVALID' });
    // Not even when the very same invitation is given out once more.
    await ledger.change(invitation(key));
    expect(await ledger.submit('enrolment', bytes)).toMatchObject({ code: 'DUPLICATE_KEY' });
    expect(ledger.state.authority.has('credential', credential_id)).toBe(false);
  });

  it('D04: is refused for a key that another person holds', async () => {
    const ledger = new TestLedger();
    const key = invitationKey();
    await ledger.change(invitation(key));
    const { public_key } = ledger.alice.passkey.credentialKey;
    expect(await ledger.submit('enrolment', enrolment(key, { public_key }))).toMatchObject({
      code: 'DUPLICATE_KEY',
    });
  });
});

describe('a key that a change brings', () => {
  const noKey = (size: number): string => toBase64url(new Uint8Array(size).fill(1));

  async function codeOf(ledger: TestLedger, change: JsonObject): Promise<unknown> {
    const frame = ledger.requestFrame(ledger.changeEnvelope(change));
    return 'code' in (await ledger.submit('request', frame))
      ? ledger.last('request-refused').entry.code
      : 'admitted';
  }

  function hybrid(key: TestKey): string {
    const spki = fromBase64url(key.publicKey);
    spki[26] = 6 + ((spki.at(-1) ?? 0) & 1);
    return toBase64url(spki);
  }

  it('D13: is one that somebody can have, in its one form, or nobody could come back by that invitation', async () => {
    const ledger = new TestLedger();
    const key = invitationKey();
    for (const publicKey of [noKey(91), hybrid(key), ed25519Key('a').publicKey]) {
      const thumbprint = keyThumbprint(fromBase64url(publicKey));
      const change = invitation({ ...key, publicKey, thumbprint });
      expect(await codeOf(ledger, change)).toBe('SCHEMA_INVALID');
    }
  });

  it('D13: is of Ed25519 for an agent, and none that everybody can sign for', async () => {
    const ledger = new TestLedger();
    const smallOrder = toBase64url(ed25519Spki(new Uint8Array(32)));
    for (const public_key of [noKey(44), smallOrder]) {
      const agent = { id: 'agent:new/1', public_key, owner: ledger.alice.id, operator: false };
      expect(await codeOf(ledger, { kind: 'agent-enrolled', agent })).toBe('SCHEMA_INVALID');
    }
  });
});

describe('the authority root', () => {
  it('depends on the members alone, not on their order', () => {
    const { members } = new TestLedger().state.authority;
    expect(AuthorityState.of([...members].reverse()).root).toBe(AuthorityState.of(members).root);
  });

  it('has a proof for each member, and for nobody else', () => {
    const { authority } = new TestLedger().state;
    const { root, size } = authority;
    for (const { kind, id } of authority.members) {
      const proof = membershipProof(authority, kind, id);
      expect(() => {
        verifyMembership(proof, { root, size });
      }).not.toThrow();
      const other = { ...proof, member: { ...proof.member, id: 'other' } as typeof proof.member };
      expect(() => {
        verifyMembership(other, { root, size });
      }).toThrow(expect.objectContaining({ code: 'MEMBERSHIP_INVALID' }) as Error);
    }
  });

  it('is checked against the founding entry', () => {
    const entry = new TestLedger().founding();
    const [, ...fewer] = entry.members.filter(({ kind }) => kind === 'descriptor');
    const members = [...entry.members.filter(({ kind }) => kind !== 'descriptor'), ...fewer];
    expect(() => authorityFromGenesis({ ...entry, members })).toThrow(
      expect.objectContaining({ code: 'GENESIS_MISMATCH' }) as Error,
    );
  });
});
