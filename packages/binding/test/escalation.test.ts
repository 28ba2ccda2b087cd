import {
  parsePolicy,
  type CedarPolicy,
  type CedarRule,
  type Outcome,
  type Policy,
  type Requirement,
} from '@countersign/binding';
import { formatTimestamp, type Json, type JsonObject } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { policyOf } from './test-documents.ts';
import { TestLedger, type Asked, type TestLedgerOptions } from './test-ledger.ts';
import { testAgent, testPerson, type TestPerson } from './test-members.ts';

const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const { alice, bob, owner } = people;
const carol = testPerson();
const dave = testPerson();
const extra = [...carol.members, ...dave.members];

const AFTER_S = 180;
const AFTER_MS = AFTER_S * 1_000;

const RULE = {
  id: 'shift',
  approvals: 1,
  approvers: [alice.id],
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 600,
  use_within_s: 3_600,
  start_within_s: 60,
  max_uses: 2,
} as const;

const TO_LEADS = { after_s: AFTER_S, approvers: [bob.id, dave.id] };

function policyWith(more: object = {}): Policy {
  return policyOf(1, { ...RULE, types: ['generic.command'], escalation: TO_LEADS, ...more });
}

function ledgerOf(more: object = {}, options: Partial<TestLedgerOptions> = {}): TestLedger {
  return new TestLedger({ people, extra, policy: policyWith(more), ...options });
}

const ASK = `@id("command") @rule("shift")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

function cedarWith(cedar: string, ...rules: readonly Partial<CedarRule>[]): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar,
    groups: { shift: [alice.id, carol.id], leads: [bob.id, dave.id] },
    rules: rules.map((rule) => ({
      ...RULE,
      approvers: { group: 'shift' },
      escalation: { after_s: AFTER_S, approvers: { group: 'leads' } },
      ...rule,
    })),
  };
}

async function decided(ledger: TestLedger, person: TestPerson, asked: Asked): Promise<string> {
  return codeOf(await ledger.decide(person, asked));
}

function codeOf(outcome: Outcome): string {
  return 'code' in outcome ? outcome.code : outcome.status;
}

/** When somebody decides, so long after the admission. */
async function decidedAfter(
  ledger: TestLedger,
  person: TestPerson,
  afterMs: number,
): Promise<string> {
  const asked = await ledger.request();
  ledger.nowMs += afterMs;
  return decided(ledger, person, asked);
}

describe('a request that nobody decides', () => {
  it('D11: goes on to a second group, to the millisecond: NOT_ELIGIBLE before', async () => {
    expect(await decidedAfter(ledgerOf(), bob, AFTER_MS - 1)).toBe('NOT_ELIGIBLE');
    expect(await decidedAfter(ledgerOf(), bob, AFTER_MS)).toBe('accepted');
    expect(await decidedAfter(ledgerOf(), carol, AFTER_MS)).toBe('NOT_ELIGIBLE');
    expect(await decidedAfter(ledgerOf(), alice, 0)).toBe('accepted');
    expect(await decidedAfter(ledgerOf(), alice, AFTER_MS)).toBe('accepted');
  });

  it('says from when whoever came too early may decide, and nothing of the kind to others', async () => {
    const ledger = ledgerOf();
    const asked = await ledger.request();
    const from = formatTimestamp(ledger.nowMs + AFTER_MS);
    expect(asked.admission.entry).toMatchObject({
      escalates_at: from,
      requirement: { escalation: TO_LEADS },
    });
    expect(codeOf(await ledger.decide(bob, asked, { verdict: 'deny' }))).toBe('NOT_ELIGIBLE');
    expect(ledger.last('decision-refused').entry.from).toBe(from);
    expect(await decided(ledger, carol, asked)).toBe('NOT_ELIGIBLE');
    expect(ledger.last('decision-refused').entry).not.toHaveProperty('from');
    ledger.nowMs += AFTER_MS;
    expect(await decided(ledger, carol, asked)).toBe('NOT_ELIGIBLE');
    expect(ledger.last('decision-refused').entry).not.toHaveProperty('from');
  });

  it('D11: is no sooner anybody else’s by what a client says of the time', async () => {
    const ledger = ledgerOf();
    const asked = await ledger.request();
    const late = formatTimestamp(ledger.nowMs + AFTER_MS + 1);
    const outcome = await ledger.decide(bob, asked, {
      statement: { not_after: late, claimed_dwell_ms: AFTER_MS },
    });
    expect(outcome).toMatchObject({ code: 'NOT_ELIGIBLE' });
  });

  it('C06: is over for the second group when it is for the first', async () => {
    expect(await decidedAfter(ledgerOf(), bob, 600_000)).toBe('accepted');
    expect(await decidedAfter(ledgerOf(), bob, 600_001)).toBe('EXPIRED');
  });

  it('needs as many as before, and says in the binding when each of them approved', async () => {
    const ledger = ledgerOf({ approvals: 2, approvers: [alice.id, carol.id] });
    const asked = await ledger.request();
    const first = formatTimestamp(ledger.nowMs);
    expect(await decided(ledger, alice, asked)).toBe('accepted');
    ledger.nowMs += AFTER_MS;
    expect(ledger.state.action(asked.admission.entry.action_id)?.status).toBe('pending');
    expect(await decided(ledger, dave, asked)).toBe('accepted');
    const { decisions, escalates_at: from } = ledger.last('binding-made').entry;
    expect(decisions).toMatchObject([
      { person: alice.id, at: first },
      { person: dave.id, at: from },
    ]);
  });

  it('can be ended by a no of the second group, once it is theirs', async () => {
    const ledger = ledgerOf();
    const asked = await ledger.request();
    ledger.nowMs += AFTER_MS;
    expect(codeOf(await ledger.decide(bob, asked, { verdict: 'deny' }))).toBe('accepted');
    expect(ledger.last('request-denied').entry.person).toBe(bob.id);
  });

  it('D01: is approved by nobody who asks for it, in whichever group they are', async () => {
    const tool = testAgent('of-bob', owner.id, { person: bob.id });
    const ledger = ledgerOf({}, { extra: [...extra, tool.member] });
    const asked = await ledger.request(ledger.envelope({}, tool), tool);
    ledger.nowMs += AFTER_MS;
    expect(await decided(ledger, bob, asked)).toBe('SELF_APPROVAL');
    expect(await decided(ledger, dave, asked)).toBe('accepted');
  });

  it('D12: lets a deputy of the second group decide as that person, and no sooner', async () => {
    const ledger = ledgerOf();
    const change: JsonObject = {
      kind: 'deputy-named',
      principal: bob.id,
      deputy: carol.id,
      types: ['generic.command'],
      not_before: formatTimestamp(ledger.nowMs),
      not_after: formatTimestamp(ledger.nowMs + 86_400_000),
    };
    expect(await ledger.change(change)).toEqual({ status: 'accepted' });
    const asked = await ledger.request();
    expect(await decided(ledger, carol, asked)).toBe('DELEGATION_EXCEEDED');
    ledger.nowMs += AFTER_MS;
    expect(await decided(ledger, carol, asked)).toBe('accepted');
    expect(ledger.last('binding-made').entry.decisions).toMatchObject([
      { person: carol.id, for: bob.id },
    ]);
  });

  it('is judged by what its admission froze, whatever the policy says now', async () => {
    const ledger = ledgerOf();
    const asked = await ledger.request();
    const sooner = policyWith({ escalation: { after_s: 1, approvers: [bob.id, carol.id] } });
    await set(ledger, sooner);
    ledger.nowMs += 2_000;
    expect(await decided(ledger, bob, asked)).toBe('NOT_ELIGIBLE');
    ledger.nowMs += AFTER_MS;
    expect(await decided(ledger, carol, asked)).toBe('NOT_ELIGIBLE');
    expect(await decided(ledger, bob, asked)).toBe('accepted');
  });

  it('goes on after a start from the log as it would have without one', async () => {
    const ledger = ledgerOf();
    const asked = await ledger.request();
    const again = ledger.emptyState();
    for (const { entry, leaf, index } of ledger.log) again.evolve(entry, { leaf, index });
    expect(again.stateDigest()).toBe(ledger.state.stateDigest());
    ledger.nowMs += AFTER_MS;
    expect(await decided(ledger, bob, asked)).toBe('accepted');
  });

  it('is not admitted by rules 1, which let no second group decide: NO_POLICY', async () => {
    const ledger = ledgerOf({}, { rules: 1 });
    const outcome = await ledger.submit('request', ledger.requestFrame(ledger.envelope()));
    expect(outcome).toMatchObject({ code: 'NO_POLICY' });
  });
});

async function set(ledger: TestLedger, policy: Policy): Promise<void> {
  const change = { kind: 'policy-set', policy } as unknown as JsonObject;
  expect(await ledger.change(change)).toEqual({ status: 'accepted' });
}

/** Bound by Bob of the second group, used under another policy. */
async function usedUnder(after: Policy, before = policyWith()): Promise<string> {
  const ledger = new TestLedger({ people, extra, policy: before });
  const asked = await ledger.request();
  ledger.nowMs += AFTER_MS;
  expect(await decided(ledger, bob, asked)).toBe('accepted');
  const bound = { ...asked, binding: ledger.last('binding-made') };
  await set(ledger, after);
  const outcome = await ledger.use(ledger.useClaim(bound));
  return 'code' in outcome ? outcome.code : outcome.status;
}

const toBob = (after_s: number): object => ({ escalation: { after_s, approvers: [bob.id] } });

describe('what a second group approved, under another policy', () => {
  it.each<[string, object]>([
    ['another second group', { escalation: { after_s: 60, approvers: [dave.id] } }],
    ['a later time', toBob(AFTER_S + 1)],
  ])('F01: is not used where the policy has %s: POLICY_CHANGED', async (_, more) => {
    expect(await usedUnder(policyWith(more))).toBe('POLICY_CHANGED');
  });

  it('F01: is not used where the policy has no second group: POLICY_CHANGED', async () => {
    const policy = policyOf(1, { ...RULE, types: ['generic.command'] });
    expect(await usedUnder(policy)).toBe('POLICY_CHANGED');
  });

  it.each<[string, object]>([
    ['the same time for them', toBob(AFTER_S)],
    ['an earlier time', toBob(1)],
    ['them in its first group', { approvers: [bob.id], escalation: TO_LEADS }],
  ])('F01: is used where the policy has %s', async (_, more) => {
    expect(await usedUnder(policyWith(more))).toBe('accepted');
  });

  it('F01: is not used where who approved did not have to wait then, and would have to now', async () => {
    const before = policyWith({ approvers: [alice.id, bob.id] });
    expect(await usedUnder(policyWith(), before)).toBe('POLICY_CHANGED');
  });
});

describe('a second group in Cedar', () => {
  it('is a group of the policy, frozen as persons in order', async () => {
    const ledger = new TestLedger({ people, extra, policy: cedarWith(ASK, {}) });
    const { entry } = (await ledger.request()).admission;
    expect(entry.requirement.escalation).toEqual({
      after_s: AFTER_S,
      approvers: [bob.id, dave.id].sort(),
    });
    expect(await decidedAfter(ledger, dave, AFTER_MS)).toBe('accepted');
  });

  it('F02: has nobody whom the policy forbids to decide, and without anybody left there is none', async () => {
    const forbid = (...persons: readonly TestPerson[]): string =>
      persons
        .map(
          ({ id }, at) =>
            `@id("not-${at}")\nforbid (principal == Person::"${id}", action == Action::"decide", resource);\n`,
        )
        .join('');
    const one = new TestLedger({ people, extra, policy: cedarWith(ASK + forbid(bob), {}) });
    expect(await decidedAfter(one, bob, AFTER_MS)).toBe('NOT_ELIGIBLE');
    expect(await decidedAfter(one, dave, AFTER_MS)).toBe('accepted');
    const both = new TestLedger({ people, extra, policy: cedarWith(ASK + forbid(bob, dave), {}) });
    const { entry } = (await both.request()).admission;
    expect(entry.requirement).not.toHaveProperty('escalation');
    expect(entry).not.toHaveProperty('escalates_at');
  });

  it('F02: has those alone whom the policy permits to decide, where it permits any', async () => {
    const permit = `@id("deciders")
permit (principal in Group::"shift", action == Action::"decide", resource);
@id("dave") permit (principal == Person::"${dave.id}", action == Action::"decide", resource);
`;
    const ledger = new TestLedger({ people, extra, policy: cedarWith(ASK + permit, {}) });
    expect(await decidedAfter(ledger, bob, AFTER_MS)).toBe('NOT_ELIGIBLE');
    expect(await decidedAfter(ledger, dave, AFTER_MS)).toBe('accepted');
  });

  const BOTH = `${ASK}@id("more") @rule("site")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

  /** What the rule of the shift comes to with another one, which escalates only if that says so. */
  async function joint(site: Partial<CedarRule>): Promise<Requirement> {
    const both = cedarWith(BOTH, {});
    const policy = {
      ...both,
      rules: [...both.rules, { ...RULE, id: 'site', approvers: { group: 'shift' }, ...site }],
    };
    const ledger = new TestLedger({ people, extra, policy });
    return (await ledger.request()).admission.entry.requirement;
  }

  it('of rules that come together is of all of them, at the latest of their times', async () => {
    const later = { escalation: { after_s: 300, approvers: [dave.id, carol.id] } };
    expect(await joint(later)).toMatchObject({
      escalation: { after_s: 300, approvers: [dave.id] },
    });
    // Whoever one rule names at once, and the other one later.
    expect(await joint({ approvers: [alice.id, bob.id] })).toMatchObject({
      approvers: [alice.id],
      escalation: { after_s: AFTER_S, approvers: [bob.id] },
    });
  });

  it.each<[string, Partial<CedarRule>]>([
    ['have nobody in common', { escalation: { after_s: 60, approvers: [carol.id] } }],
    [
      'would come when it is over',
      { escalation: { after_s: 10, approvers: [bob.id] }, decide_within_s: 100 },
    ],
    [
      'are to fill seats',
      { approvers: [alice.id, bob.id, carol.id], seats: [{ approvers: [alice.id], count: 1 }] },
    ],
  ])('of rules that come together is none where they %s', async (_, site) => {
    expect(await joint(site)).not.toHaveProperty('escalation');
  });
});

describe('a policy', () => {
  const parsed = (rule: object): (() => unknown) => {
    const policy = policyOf(1, { ...RULE, types: ['generic.command'], ...rule });
    return () => parsePolicy(policy as unknown as Json);
  };
  it.each<[string, object, string]>([
    ['a time of nothing', { after_s: 0, approvers: [bob.id] }, 'after_s'],
    ['a time after which it is over', { after_s: 600, approvers: [bob.id] }, 'decide_within_s'],
    ['any, whom nobody is left beside', { after_s: 60, approvers: 'any' }, 'approvers'],
    ['nobody', { after_s: 60, approvers: [] }, 'approvers'],
    ['a person twice', { after_s: 60, approvers: [bob.id, bob.id] }, 'each once'],
    ['a number of its own', { after_s: 60, approvers: [bob.id], approvals: 1 }, 'no such member'],
  ])('has no escalation with %s', (_, escalation, said) => {
    expect(parsed({ escalation })).toThrow(said);
  });

  it('has none beside approvers any, or seats', () => {
    expect(parsed({ escalation: TO_LEADS, approvers: 'any' })).toThrow('named');
    const seats = [{ approvers: { group: 'shift' }, count: 1 }];
    const policy = cedarWith(ASK, { seats }) as unknown as Json;
    expect(() => parsePolicy(policy)).toThrow('rules/0/escalation: expected no seats');
    const unknown = cedarWith(ASK, { escalation: { after_s: 60, approvers: { group: 'none' } } });
    expect(() => parsePolicy(unknown as unknown as Json)).toThrow(
      'rules/0: expected groups of the policy (shift, leads), got none',
    );
  });
});
