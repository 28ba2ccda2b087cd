import type { CedarPolicy, CedarRule, Outcome } from '@countersign/binding';
import { beforeEach, describe, expect, it } from 'vitest';
import { QUORUM_CEDAR, QUORUM_RULE } from './test-documents.ts';
import { TestLedger, type Asked } from './test-ledger.ts';
import { testPerson, type TestPerson } from './test-members.ts';

const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const { owner, alice, bob } = people;
const carol = testPerson();
const dave = testPerson();
const extra = [...carol.members, ...dave.members];

const TREASURY = { approvers: { group: 'treasury' }, count: 2 } as const;
const SECURITY = { approvers: { group: 'security' }, count: 1 } as const;

function policyOf(rules: readonly Partial<CedarRule>[], cedar = QUORUM_CEDAR): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar,
    groups: {
      treasury: [alice.id, bob.id, carol.id, owner.id],
      security: [carol.id, dave.id],
    },
    rules: rules.map((rule) => ({ ...QUORUM_RULE, ...rule })),
  };
}

function ledgerOf(rule: Partial<CedarRule>): TestLedger {
  return new TestLedger({ people, extra, policy: policyOf([rule]) });
}

function codeOf(outcome: Outcome): string {
  return 'code' in outcome ? outcome.code : outcome.status;
}

/** Everybody approves in this order; what the ledger says to each. */
async function answers(
  ledger: TestLedger,
  asked: Asked,
  persons: readonly TestPerson[],
): Promise<string[]> {
  const all: string[] = [];
  for (const person of persons) all.push(codeOf(await ledger.decide(person, asked)));
  return all;
}

const SEATED = { approvals: 3, seats: [TREASURY, SECURITY] };

describe('a rule with seats', () => {
  it('freezes the persons of each seat', async () => {
    const { admission } = await ledgerOf(SEATED).request();
    expect(admission.entry.requirement.seats).toEqual([
      { approvers: [alice.id, bob.id, carol.id, owner.id].sort(), count: 2 },
      { approvers: [carol.id, dave.id].sort(), count: 1 },
    ]);
  });

  it.each([
    ['carol first', [carol, alice, bob]],
    ['carol last', [alice, bob, carol]],
    ['carol of the treasury', [carol, dave, alice]],
    ['security between', [alice, dave, bob]],
  ])('is filled in any order, each person in one seat: %s', async (_, persons) => {
    const ledger = ledgerOf(SEATED);
    const asked = await ledger.request();
    expect(await answers(ledger, asked, persons)).toEqual(['accepted', 'accepted', 'accepted']);
    const { decisions } = ledger.last('binding-made').entry;
    expect(decisions.map(({ person }) => person)).toEqual(persons.map(({ id }) => id));
  });

  it('refuses who fills no seat that is left: NOT_ELIGIBLE', async () => {
    const ledger = ledgerOf({ approvals: 2, seats: [{ ...TREASURY, count: 1 }, SECURITY] });
    const asked = await ledger.request();
    expect(await answers(ledger, asked, [alice, bob, dave])).toEqual([
      'accepted',
      'NOT_ELIGIBLE',
      'accepted',
    ]);
    // Carol could sit in both: whoever comes next takes one of them, and she has the other.
    const other = await ledger.request();
    expect(await answers(ledger, other, [carol, dave])).toEqual(['accepted', 'accepted']);
  });

  it('lets whoever approves fill what is beside the seats', async () => {
    const ledger = ledgerOf({ approvals: 2, seats: [SECURITY] });
    const asked = await ledger.request();
    expect(await answers(ledger, asked, [alice, bob, dave])).toEqual([
      'accepted',
      'NOT_ELIGIBLE',
      'accepted',
    ]);
  });

  it('ends with one denial of whoever is named for a seat, and of nobody else', async () => {
    const ledger = ledgerOf({ seats: [SECURITY], approvals: 1 });
    const asked = await ledger.request();
    const denied = await ledger.decide(alice, asked, { verdict: 'deny' });
    expect(codeOf(denied)).toBe('NOT_ELIGIBLE');
    expect(codeOf(await ledger.decide(dave, asked, { verdict: 'deny' }))).toBe('accepted');
    expect(ledger.types).toContain('request-denied');
  });

  it('is NO_POLICY where the seats cannot all be filled without who asks', async () => {
    const seats = [{ approvers: [owner.id], count: 1 }];
    const ledger = ledgerOf({ seats });
    const frame = ledger.requestFrame(ledger.envelope());
    expect(codeOf(await ledger.submit('request', frame))).toBe('NO_POLICY');
  });
});

const ORDERED = { ordered: true, approvals: 3, seats: [TREASURY, SECURITY] } as const;

describe('a rule with an order', () => {
  it('F06: refuses who comes before their seat, and takes them in it: ORDER', async () => {
    const ledger = ledgerOf(ORDERED);
    const asked = await ledger.request();
    expect(await answers(ledger, asked, [dave, alice, dave, bob, dave])).toEqual([
      'ORDER',
      'accepted',
      'ORDER',
      'accepted',
      'accepted',
    ]);
    const { decisions, at } = ledger.last('binding-made').entry;
    expect(decisions.map((decision) => decision.person)).toEqual([alice.id, bob.id, dave.id]);
    expect(decisions.map((decision) => decision.at)).toEqual([at, at, at]);
  });

  it('F06: keeps whom a later seat needs for it: ORDER', async () => {
    const seats = [SECURITY, { approvers: [carol.id], count: 1 }];
    const ledger = ledgerOf({ ordered: true, seats });
    const asked = await ledger.request();
    expect(await answers(ledger, asked, [carol, dave, carol])).toEqual([
      'ORDER',
      'accepted',
      'accepted',
    ]);
  });

  it('F06: an approval whose key is gone takes those behind it along', async () => {
    const ledger = ledgerOf({
      ordered: true,
      seats: [
        { approvers: [alice.id, bob.id], count: 1 },
        { approvers: [dave.id], count: 1 },
        { approvers: [carol.id], count: 1 },
      ],
      approvals: 3,
    });
    const asked = await ledger.request();
    expect(await answers(ledger, asked, [bob, dave])).toEqual(['accepted', 'accepted']);
    await ledger.change({ kind: 'credential-revoked', credential_id: bob.passkey.credentialId });
    // Another moment, another statement.
    ledger.nowMs += 1_000;
    expect(await answers(ledger, asked, [carol, alice, dave, carol])).toEqual([
      'ORDER',
      'accepted',
      'accepted',
      'accepted',
    ]);
  });
});

describe('a rule with a window', () => {
  let ledger: TestLedger;
  let asked: Asked;

  beforeEach(async () => {
    ledger = ledgerOf({ window_s: 600 });
    asked = await ledger.request();
    await ledger.decide(alice, asked);
  });

  it('F06: takes the last approval exactly at the limit', async () => {
    ledger.nowMs += 600_000;
    expect(await answers(ledger, asked, [bob])).toEqual(['accepted']);
    const { decisions, at } = ledger.last('binding-made').entry;
    expect(decisions.map((each) => each.at)).toEqual(['2026-11-23T09:00:00.000Z', at]);
  });

  it('F06: does not count the first a moment later, and takes it again', async () => {
    ledger.nowMs += 600_001;
    expect(await answers(ledger, asked, [bob])).toEqual(['accepted']);
    expect(ledger.types).not.toContain('binding-made');
    ledger.nowMs += 1_000;
    expect(await answers(ledger, asked, [bob, alice])).toEqual(['ALREADY_DECIDED', 'accepted']);
    const { decisions } = ledger.last('binding-made').entry;
    expect(decisions.map(({ person }) => person)).toEqual([bob.id, alice.id]);
  });

  it('F06: says WINDOW to who would be in order, but for an approval that is over', async () => {
    const seats = [
      { approvers: [alice.id], count: 1 },
      { approvers: [bob.id], count: 1 },
    ];
    const both = ledgerOf({ ordered: true, window_s: 600, seats });
    const request = await both.request();
    expect(await answers(both, request, [bob, alice])).toEqual(['ORDER', 'accepted']);
    both.nowMs += 600_001;
    expect(await answers(both, request, [bob, alice, bob])).toEqual([
      'WINDOW',
      'accepted',
      'accepted',
    ]);
  });

  it('is folded the same by whoever replays the log', async () => {
    ledger.nowMs += 5_000;
    await ledger.decide(bob, asked);
    const twin = TestLedger.twinOf(ledger);
    for (const { kind, bytes, atMs } of ledger.inputs) {
      twin.nowMs = atMs;
      await twin.submit(kind, bytes);
    }
    expect(twin.state.stateDigest()).toBe(ledger.state.stateDigest());
  });
});

const BOTH = `${QUORUM_CEDAR}@id("too") @rule("too")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

describe('the join of rules with seats, order and window', () => {
  async function joined(one: Partial<CedarRule>, other: Partial<CedarRule>): Promise<unknown> {
    const rules = [one, { ...other, id: 'too' }];
    const ledger = new TestLedger({ people, extra, policy: policyOf(rules, BOTH) });
    const outcome = await ledger.submit('request', ledger.requestFrame(ledger.envelope()));
    if ('code' in outcome) return outcome.code;
    const { approvals, seats, ordered, window_s } =
      ledger.last('request-admitted').entry.requirement;
    return { approvals, seats: seats?.map(({ count }) => count), ordered, window_s };
  }

  it.each([
    [
      'the greater count of the same persons',
      { seats: [TREASURY] },
      { seats: [{ ...TREASURY, count: 1 }] },
      { approvals: 2, seats: [2] },
    ],
    [
      'other persons in seats of their own',
      { seats: [TREASURY] },
      { seats: [SECURITY] },
      { approvals: 3, seats: [2, 1] },
    ],
    [
      'seats beside a greater number',
      { approvals: 3, approvers: 'any' },
      { seats: [SECURITY] },
      { approvals: 3, seats: [1] },
    ],
    ['the shorter window', { window_s: 60 }, { window_s: 30 }, { approvals: 2, window_s: 30 }],
    ['a window that one has', { window_s: 60 }, {}, { approvals: 2, window_s: 60 }],
    [
      'the order of the same seats',
      ORDERED,
      SEATED,
      { approvals: 3, seats: [2, 1], ordered: true },
    ],
    ['two orders', ORDERED, { ...ORDERED, seats: [SECURITY, TREASURY] }, 'NO_POLICY'],
    [
      'more seats than there are persons',
      SEATED,
      { approvals: 3, seats: [{ approvers: [dave.id, alice.id], count: 2 }] },
      'NO_POLICY',
    ],
  ] as const)('takes %s', async (_, ...[one, other, expected]) => {
    expect(await joined(one as Partial<CedarRule>, other as Partial<CedarRule>)).toEqual(expected);
  });
});
