import type { CedarPolicy, CedarRule, Outcome } from '@countersign/binding';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { COMMAND_PARAMS } from './test-documents.ts';
import { TestLedger, type Asked, type TestLedgerOptions } from './test-ledger.ts';
import { testAgent, testPerson, type TestPerson } from './test-members.ts';

const DAY_MS = 86_400_000;

const RULE = {
  id: 'command',
  approvals: 1,
  approvers: { group: 'treasury' },
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 86_400,
  use_within_s: 86_400,
  start_within_s: 60,
  max_uses: 1,
} as const;

/** Commands below /srv are for the leads, all others for the treasury. */
const CEDAR = `@id("command") @rule("command")
permit (principal, action == Action::"ask", resource is generic::command_v1)
unless { resource.params.cwd like "/srv/*" };

@id("of-srv") @rule("srv")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.params.cwd like "/srv/*" };
`;

const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const { alice, bob, owner } = people;
const carol = testPerson();
const dave = testPerson();
const extra = [...carol.members, ...dave.members];

/** Alice and Carol are the treasury, Dave leads. */
function ledgerOf(
  rule: Partial<CedarRule> = {},
  options: Partial<TestLedgerOptions> = {},
): TestLedger {
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: { treasury: [alice.id, carol.id], leads: [dave.id] },
    rules: [
      { ...RULE, ...rule },
      { ...RULE, id: 'srv', approvers: { group: 'leads' } },
    ],
  };
  return new TestLedger({ people, extra, policy, ...options });
}

function ofSrv(ledger: TestLedger): JsonObject {
  const envelope = ledger.envelope();
  return { ...envelope, params: { ...Object(envelope['params']), cwd: '/srv/app' } as JsonObject };
}

function elsewhere(ledger: TestLedger, agent = ledger.agent): JsonObject {
  const envelope = ledger.envelope({}, agent);
  return { ...envelope, params: { ...Object(envelope['params']), cwd: '/tmp' } as JsonObject };
}

function named(
  ledger: TestLedger,
  [principal, deputy]: readonly [TestPerson, TestPerson],
  more: JsonObject = {},
): JsonObject {
  return {
    kind: 'deputy-named',
    principal: principal.id,
    deputy: deputy.id,
    types: ['generic.command'],
    not_before: formatTimestamp(ledger.nowMs),
    not_after: formatTimestamp(ledger.nowMs + DAY_MS),
    ...more,
  };
}

function codeOf(outcome: Outcome): string {
  return 'code' in outcome ? outcome.code : outcome.status;
}

/** Asked for, and signed by these. */
async function change(
  ledger: TestLedger,
  made: JsonObject,
  by: readonly TestPerson[] = [alice, carol],
): Promise<string> {
  const asked = await ledger.request(ledger.changeEnvelope(made));
  let last = 'accepted';
  for (const person of by) {
    const { status } = ledger.state.action(asked.admission.entry.action_id) ?? {};
    if (status === 'pending') last = codeOf(await ledger.decide(person, asked));
  }
  return last;
}

async function decided(ledger: TestLedger, person: TestPerson, asked: Asked): Promise<string> {
  return codeOf(await ledger.decide(person, asked));
}

/** Bob decides for Alice, for a day. */
async function lent(
  rule: Partial<CedarRule> = {},
  options: Partial<TestLedgerOptions> = {},
): Promise<TestLedger> {
  const ledger = ledgerOf(rule, options);
  expect(await change(ledger, named(ledger, [alice, bob]))).toBe('accepted');
  return ledger;
}

describe('a deputy', () => {
  it('D12: decides in the place of whom the rule names, and the log and the binding say for whom', async () => {
    const ledger = await lent();
    const asked = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, dave, asked)).toBe('NOT_ELIGIBLE');
    expect(await decided(ledger, bob, asked)).toBe('accepted');
    expect(ledger.last('decision-accepted').entry.for).toBe(alice.id);
    const { entry } = ledger.last('binding-made');
    expect(entry.decisions).toMatchObject([{ person: bob.id, for: alice.id }]);
  });

  it('D12: who may more than the person who is away may no more in their place', async () => {
    const ledger = ledgerOf();
    await change(ledger, named(ledger, [alice, dave]));
    // Dave leads, and Alice does not: neither what he may nor what she may grows by it.
    const low = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, dave, low)).toBe('accepted');
    expect(ledger.last('decision-accepted').entry.for).toBe(alice.id);
    const high = await ledger.request(ofSrv(ledger));
    expect(await decided(ledger, alice, high)).toBe('NOT_ELIGIBLE');
    expect(await decided(ledger, dave, high)).toBe('accepted');
    expect(ledger.last('decision-accepted').entry).not.toHaveProperty('for');
  });

  it('D12: has no more than the person who is away: DELEGATION_EXCEEDED', async () => {
    const ledger = await lent();
    expect(await decided(ledger, bob, await ledger.request(ofSrv(ledger)))).toBe(
      'DELEGATION_EXCEEDED',
    );
    const other = ledgerOf();
    await change(other, named(other, [alice, bob], { types: ['key.rotate', 'payment.transfer'] }));
    expect(await decided(other, bob, await other.request(elsewhere(other)))).toBe(
      'DELEGATION_EXCEEDED',
    );
  });

  it('D12: of a deputy is nobody: a chain of three is DELEGATION_EXCEEDED', async () => {
    const ledger = await lent();
    await change(ledger, named(ledger, [bob, dave]));
    const asked = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, dave, asked)).toBe('DELEGATION_EXCEEDED');
    expect(await decided(ledger, bob, asked)).toBe('accepted');
  });

  it('D12: is one from the first moment to the last, and not before or after: DELEGATION_EXCEEDED', async () => {
    const ledger = ledgerOf();
    const fromMs = ledger.nowMs + 60_000;
    const times = {
      not_before: formatTimestamp(fromMs),
      not_after: formatTimestamp(fromMs + 60_000),
    };
    await change(ledger, named(ledger, [alice, bob], times));
    const at = async (nowMs: number): Promise<string> => {
      ledger.nowMs = nowMs;
      return decided(ledger, bob, await ledger.request(elsewhere(ledger)));
    };
    expect(await at(fromMs - 1)).toBe('DELEGATION_EXCEEDED');
    expect(await at(fromMs)).toBe('accepted');
    expect(ledger.last('binding-made').entry.use_by).toBe(times.not_after);
    expect(await at(fromMs + 60_000)).toBe('accepted');
    expect(await at(fromMs + 60_001)).toBe('DELEGATION_EXCEEDED');
  });

  it('D12: who asks approves neither as a deputy nor through one', async () => {
    const tools = [bob, alice].map((each) =>
      testAgent(`of-${each.id}`, owner.id, { person: each.id }),
    );
    const [ofBob, ofAlice] = tools as [(typeof tools)[number], (typeof tools)[number]];
    const ledger = await lent({}, { extra: [...extra, ofBob.member, ofAlice.member] });
    const own = await ledger.request(elsewhere(ledger, ofBob), ofBob);
    expect(await decided(ledger, bob, own)).toBe('SELF_APPROVAL');
    const through = await ledger.request(elsewhere(ledger, ofAlice), ofAlice);
    expect(await decided(ledger, bob, through)).toBe('DELEGATION_EXCEEDED');
  });

  it('D12: and the person who is away are one voice: DUPLICATE_HUMAN', async () => {
    const ledger = await lent({ approvals: 2 });
    const first = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, bob, first)).toBe('accepted');
    expect(await decided(ledger, alice, first)).toBe('DUPLICATE_HUMAN');
    expect(await decided(ledger, carol, first)).toBe('accepted');
    const second = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, alice, second)).toBe('accepted');
    expect(await decided(ledger, bob, second)).toBe('DUPLICATE_HUMAN');
  });

  it('D12: of two persons has one voice, in the seat that is free', async () => {
    const seats = [alice, carol].map(({ id }) => ({ approvers: [id], count: 1 }));
    const ledger = await lent({ approvals: 2, approvers: 'any', seats });
    await change(ledger, named(ledger, [carol, bob]));
    const asked = await ledger.request(elsewhere(ledger));
    const [first] = [alice, carol].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(await decided(ledger, first === alice ? alice : carol, asked)).toBe('accepted');
    expect(await decided(ledger, bob, asked)).toBe('accepted');
    const { decisions } = ledger.last('binding-made').entry;
    const absent = first === alice ? carol : alice;
    expect(decisions).toMatchObject([{ person: first?.id }, { person: bob.id, for: absent.id }]);
    // With nobody else there, one person stays one.
    const alone = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, bob, alone)).toBe('accepted');
    const again = await ledger.decide(bob, alone, { text: 'for the other one' });
    expect(codeOf(again)).toBe('ALREADY_DECIDED');
  });

  it('says no in the place of whom the rule names', async () => {
    const ledger = await lent();
    const asked = await ledger.request(elsewhere(ledger));
    expect(codeOf(await ledger.decide(bob, asked, { verdict: 'deny' }))).toBe('accepted');
    expect(ledger.last('request-denied').entry.person).toBe(bob.id);
    expect(ledger.last('decision-accepted').entry.for).toBe(alice.id);
  });

  it('decides nothing by rules 1', async () => {
    const ledger = await lent({}, { rules: 1 });
    expect(await decided(ledger, bob, await ledger.request(elsewhere(ledger)))).toBe(
      'NOT_ELIGIBLE',
    );
  });
});

/** A ledger where the treasury lets emergencies go ahead, so many of them at once, and where so many more are enrolled. */
async function glassLent(approvals: number, more: number): Promise<TestLedger> {
  const others = Array.from({ length: more }, () => testPerson());
  const treasury = [alice.id, carol.id, ...others.map(({ id }) => id)].sort();
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar: `@id("emergency") @rule("glass")
permit (principal, action == Action::"ask", resource is emergency::command_v1);
`,
    groups: { treasury },
    rules: [
      {
        ...RULE,
        id: 'glass',
        approvals,
        rationale: 'required',
        decide_within_s: 900,
        use_within_s: 900,
        break_glass: { review_within_s: 3_600 },
      },
    ],
  };
  const members = others.flatMap((person) => person.members);
  const ledger = new TestLedger({ people, extra: [...extra, ...members], policy });
  const types = ['emergency.command'];
  expect(await change(ledger, named(ledger, [alice, bob], { types }))).toBe('accepted');
  return ledger;
}

function emergency(ledger: TestLedger): JsonObject {
  const incident = { system: 'siem', id: 'INC-118' };
  const params = { ...COMMAND_PARAMS, incident, reason: 'customers cannot pay' };
  return ledger.envelope({ type: 'emergency.command', params });
}

describe('the review of what a deputy let go ahead in an emergency', () => {
  /** Bound by one person of the treasury, or in their place, and over without a use. */
  async function glassOf(ledger: TestLedger, person: TestPerson): Promise<JsonObject> {
    const asked = await ledger.request(emergency(ledger));
    expect(await decided(ledger, person, asked)).toBe('accepted');
    const { entry } = ledger.last('binding-made');
    await ledger.tick(900_001);
    return {
      kind: 'reviewed',
      action_id: entry.action_id,
      action_type: 'emergency.command',
      action_digest: entry.action_digest,
      approvers: entry.decisions.map((each) => each.person),
      concerned: [owner.id],
      result: 'not-used',
      verdict: 'justified',
      remarks: 'looked at',
    };
  }

  async function askedFor(ledger: TestLedger, review: JsonObject): Promise<Asked> {
    return ledger.request(ledger.changeEnvelope(review));
  }

  it('F09: is by neither the deputy nor the person in whose place they were: NOT_ELIGIBLE', async () => {
    const ledger = await glassLent(1, 0);
    const silent = await glassOf(ledger, bob);
    const request = ledger.requestFrame(ledger.changeEnvelope(silent));
    expect(codeOf(await ledger.submit('request', request))).toBe('REVIEW_MISMATCH');
    const asked = await askedFor(ledger, { ...silent, approvers: [bob.id, alice.id] });
    expect(await decided(ledger, bob, asked)).toBe('NOT_ELIGIBLE');
    expect(await decided(ledger, alice, asked)).toBe('NOT_ELIGIBLE');
    expect(await decided(ledger, carol, asked)).toBe('accepted');
    expect(await decided(ledger, dave, asked)).toBe('accepted');
    expect(ledger.last('authority-changed').entry.change).toMatchObject({ change: 'bound' });
  });

  it('is by a deputy, too, who had no part in it', async () => {
    const ledger = await glassLent(1, 0);
    const asked = await askedFor(ledger, await glassOf(ledger, alice));
    expect(await decided(ledger, alice, asked)).toBe('NOT_ELIGIBLE');
    expect(await decided(ledger, bob, asked)).toBe('accepted');
    expect(await decided(ledger, carol, asked)).toBe('accepted');
  });

  it('has two persons left for it, and room for all whom it names: DELEGATION_EXCEEDED', async () => {
    const byBob = async (approvals: number, more: number): Promise<string> => {
      const ledger = await glassLent(approvals, more);
      return decided(ledger, bob, await ledger.request(emergency(ledger)));
    };
    // Alice, Bob, Carol and Dave are enrolled besides the owner.
    expect(await byBob(2, 1)).toBe('DELEGATION_EXCEEDED');
    expect(await byBob(2, 2)).toBe('accepted');
    expect(await byBob(8, 14)).toBe('accepted');
    expect(await byBob(9, 16)).toBe('DELEGATION_EXCEEDED');
  });
});

describe('the end of a deputy', () => {
  const ends: readonly (readonly [string, (ledger: TestLedger) => JsonObject])[] = [
    ['is revoked', () => ({ kind: 'deputy-revoked', principal: alice.id })],
    ['is another one', (ledger) => named(ledger, [alice, dave])],
    ['is one for other types', (ledger) => named(ledger, [alice, bob], { types: ['key.rotate'] })],
    [
      'has nobody to decide for any more',
      () => ({ kind: 'credential-revoked', credential_id: alice.passkey.credentialId }),
    ],
  ];

  it.each(ends)('D12: a deputy who %s before the use: APPROVER_REVOKED', async (_, ended) => {
    const ledger = await lent();
    const asked = await ledger.request(elsewhere(ledger));
    await ledger.decide(bob, asked);
    const bound = { ...asked, binding: ledger.last('binding-made') };
    expect(await change(ledger, ended(ledger), [carol, owner])).toBe('accepted');
    expect(codeOf(await ledger.use(ledger.useClaim(bound)))).toBe('APPROVER_REVOKED');
  });

  it.each(ends)('D12: the approval of a deputy who %s counts no more', async (_, ended) => {
    const ledger = await lent({ approvals: 2 });
    const asked = await ledger.request(elsewhere(ledger));
    expect(await decided(ledger, bob, asked)).toBe('accepted');
    expect(await change(ledger, ended(ledger), [dave, carol])).toBe('accepted');
    expect(await decided(ledger, carol, asked)).toBe('accepted');
    expect(ledger.state.action(asked.admission.entry.action_id)?.status).toBe('pending');
  });

  it('works while the ledger is frozen', async () => {
    const ledger = await lent();
    await change(ledger, { kind: 'frozen' });
    expect(await change(ledger, { kind: 'deputy-revoked', principal: alice.id })).toBe('accepted');
    expect(ledger.state.authority.ofKind('deputy')).toEqual([]);
  });
});

describe('naming a deputy', () => {
  const tried = async (more: JsonObject): Promise<string> => {
    const ledger = ledgerOf();
    return change(ledger, named(ledger, [alice, bob], more)).catch(String);
  };

  it.each<readonly [string, string, JsonObject]>([
    ['of oneself', 'SCHEMA_INVALID', { deputy: alice.id }],
    ['whom nobody knows', 'MEMBER_UNKNOWN', { deputy: 'prs_01KAR5RWY0000000000000000Z' }],
    ['for changes of the authority', 'SCHEMA_INVALID', { types: ['authority.change'] }],
    ['for a type twice', 'SCHEMA_INVALID', { types: ['key.rotate', 'key.rotate'] }],
    ['for more than 90 days', 'SCHEMA_INVALID', { not_after: '2099-01-01T00:00:00.000Z' }],
    ['who ends before they begin', 'SCHEMA_INVALID', { not_after: '2020-01-01T00:00:00.000Z' }],
  ])('is refused %s: %s', async (_, code, more) => {
    expect(await tried(more)).toContain(code);
  });

  it('D12: is signed by others than the deputy: NOT_ELIGIBLE', async () => {
    const ledger = ledgerOf();
    expect(await change(ledger, named(ledger, [alice, bob]), [bob])).toBe('NOT_ELIGIBLE');
    expect(ledger.state.authority.ofKind('deputy')).toEqual([]);
  });

  it('ends the earlier one, and revoking one that is not there is MEMBER_UNKNOWN', async () => {
    const ledger = await lent();
    await change(ledger, named(ledger, [alice, dave]));
    expect(ledger.state.authority.ofKind('deputy')).toMatchObject([
      { id: alice.id, deputy: dave.id },
    ]);
    const revoked = { kind: 'deputy-revoked', principal: carol.id };
    expect(await change(ledger, revoked).catch(String)).toContain('MEMBER_UNKNOWN');
  });
});
