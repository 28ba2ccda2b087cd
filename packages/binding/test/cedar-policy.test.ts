import type { Json, JsonObject } from '@countersign/canonical';
import type { CedarPolicy, Member } from '@countersign/binding';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TestLedger } from './test-ledger.ts';
import { testPerson } from './test-members.ts';

const RULE = {
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
} as const;

const SMALL = `@id("small") @rule("one")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.facts.currency == "EUR" && resource.facts.amount_minor <= 100000 };
`;

const LARGE = `@id("large") @rule("treasury")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.facts.currency == "EUR" && resource.facts.amount_minor > 100000 };
`;

const AGAINST = `@id("sanctions")
forbid (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.params.creditor.country == "RU" };
`;

const NO_MATCH = `@id("other-name") @rule("pair")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource has claimed.payee_check.result && resource.claimed.payee_check.result != "MATCH" };
`;

const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const carol = testPerson();

function policy(cedar: string, more: Partial<CedarPolicy> = {}): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar,
    groups: { treasury: [people.alice.id, people.bob.id, people.owner.id] },
    rules: [
      { ...RULE, id: 'one' },
      { ...RULE, id: 'pair', approvals: 2, rationale: 'required', use_within_s: 300 },
      { ...RULE, id: 'treasury', approvals: 2, approvers: { group: 'treasury' }, max_uses: 1 },
    ],
    ...more,
  };
}

function ledgerOf(
  cedar: string,
  more: Partial<CedarPolicy> = {},
  extra: readonly Member[] = [],
): TestLedger {
  return new TestLedger({ policy: policy(cedar, more), people, extra });
}

const VECTORS = new URL('../../../test/vectors/display/valid/', import.meta.url);

function vectorAction(name = 'payment'): JsonObject {
  const text = readFileSync(new URL(`${name}.json`, VECTORS), 'utf8');
  const { action } = JSON.parse(text) as { action: string };
  return JSON.parse(action) as JsonObject;
}

function payment(ledger: TestLedger, amount: string, more: JsonObject = {}): JsonObject {
  const { params, preconditions } = vectorAction();
  const given = params as JsonObject & { creditor: JsonObject };
  return ledger.envelope({
    type: 'payment.transfer',
    preconditions: preconditions as Json,
    params: { ...given, amount: { amount, currency: 'EUR' }, ...more },
  });
}

function secretAccess(ledger: TestLedger): JsonObject {
  const { params, preconditions } = vectorAction('secret-access');
  return ledger.envelope({
    type: 'secret.access',
    preconditions: preconditions as Json,
    params: params as Json,
  });
}

function without(name: string, params: JsonObject = paramsOf()): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([each]) => each !== name));
}

function paramsOf(): JsonObject {
  return vectorAction()['params'] as JsonObject;
}

async function answer(ledger: TestLedger, envelope: JsonObject): Promise<string> {
  const outcome = await ledger.submit('request', ledger.requestFrame(envelope));
  return 'code' in outcome ? outcome.code : outcome.status;
}

describe('a person whom a policy names itself', () => {
  it.each([
    ['forbids', people.alice.id, 'NO_POLICY'],
    ['does not forbid', carol.id, 'accepted'],
  ])('is in the groups that list them, so a forbid about that %s', async (_, id, expected) => {
    const forbid = `@id("suspended")
forbid (principal, action == Action::"ask", resource is payment::transfer_v1)
when { Person::"${id}" in Group::"treasury" };
`;
    const ledger = ledgerOf(`${SMALL}${forbid}`);
    expect(await answer(ledger, payment(ledger, '9.99'))).toBe(expected);
  });
});

/** Ways to look at the params: what is left out of a question must not be what it is about. */
const LOOKS: readonly (readonly [string, 'accepted' | 'NO_POLICY'])[] = [
  ['resource.params.rail == "sepa-sct"', 'accepted'],
  ['resource["params"]["rail"] == "sepa-sct"', 'accepted'],
  ['resource["par\\u{61}ms"]["r\\u{61}il"] == "sepa-sct"', 'accepted'],
  ['resource.params.creditor.country == "AT"', 'accepted'],
  ['resource has params.creditor.country', 'accepted'],
  ['resource.params has rail && resource.facts has currency', 'accepted'],
  ['resource.params == resource.params', 'accepted'],
  ['resource.params.amount == {amount: "9.99", currency: "EUR"}', 'accepted'],
  ['resource.params.amount == {amount: "9.98", currency: "EUR"}', 'NO_POLICY'],
  ['resource.params has creditor.country', 'accepted'],
  ['[resource.params.amount].contains({currency: "EUR", amount: "9.99"})', 'accepted'],
  [
    '(if resource.params.rail == "x" then resource.params else resource.params).rail == "sepa-sct"',
    'accepted',
  ],
  ['resource.params.rail == "swift"', 'NO_POLICY'],
];

describe('a policy in Cedar', () => {
  it.each(LOOKS)('sees what it looks at: %s', async (condition, expected) => {
    const cedar = `@id("look") @rule("one")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { ${condition} };
`;
    const ledger = ledgerOf(cedar);
    expect(await answer(ledger, payment(ledger, '9.99'))).toBe(expected);
  });

  it('takes one approver for a small payment', async () => {
    const ledger = ledgerOf(SMALL + LARGE);
    const { admission } = await ledger.request(payment(ledger, '999.99'));
    expect(admission.entry).toMatchObject({
      requirement: { rule: 'one', approvals: 1, approvers: 'any' },
      permits: ['small'],
    });
  });

  it('takes two of a group for a large one, by the persons that were in it then', async () => {
    const ledger = ledgerOf(SMALL + LARGE, {}, carol.members);
    const asked = await ledger.request(payment(ledger, '1000.01'));
    const approvers = [people.alice.id, people.bob.id, people.owner.id].sort();
    expect(asked.admission.entry.requirement).toMatchObject({ rule: 'treasury', approvers });
    expect(asked.admission.entry.permits).toEqual(['large']);
    expect(await ledger.decide(carol, asked)).toMatchObject({ code: 'NOT_ELIGIBLE' });
    expect(await ledger.decide(people.owner, asked)).toMatchObject({ code: 'OWNER_APPROVAL' });
    await ledger.decide(people.alice, asked);
    expect(ledger.entries('binding-made')).toHaveLength(0);
    await ledger.decide(people.bob, asked);
    const { entry } = ledger.last('binding-made');
    expect(entry.permits).toEqual(['large']);
    expect(entry.requirement).toEqual(asked.admission.entry.requirement);
  });

  it('refuses what is forbidden, whatever else permits it', async () => {
    const ledger = ledgerOf(SMALL + AGAINST);
    const creditor = { ...(paramsOf()['creditor'] as JsonObject), country: 'RU' };
    expect(await answer(ledger, payment(ledger, '1.00', { creditor }))).toBe('NO_POLICY');
    expect(await answer(ledger, payment(ledger, '1.00'))).toBe('accepted');
  });

  it('takes the join of the rules of all permits that are satisfied', async () => {
    const every = `@id("every") @rule("pair")
      permit (principal, action == Action::"ask", resource);`;
    const ledger = ledgerOf(LARGE + every);
    const { admission } = await ledger.request(payment(ledger, '5000.00'));
    const { requirement, permits, use_within_s: useWithin } = admission.entry;
    expect(requirement.rule).toBe('pair+treasury');
    expect(requirement).toMatchObject({ approvals: 2, rationale: 'required' });
    expect(requirement.approvers).toHaveLength(3);
    expect({ permits, useWithin }).toEqual({ permits: ['every', 'large'], useWithin: 300 });
  });

  it('F04: asks for more where what is asked for cannot be undone', async () => {
    const byReversibility = `@id("cannot-be-undone") @rule("pair")
      permit (principal, action == Action::"ask", resource)
      when { resource.reversibility == "irreversible" };
      @id("can-be-undone") @rule("one")
      permit (principal, action == Action::"ask", resource)
      unless { resource.reversibility == "irreversible" };`;
    const ledger = ledgerOf(byReversibility);
    const paid = await ledger.request(payment(ledger, '10.00'));
    const read = await ledger.request(secretAccess(ledger));
    const seen = [paid, read].map(({ admission: { entry } }) => ({
      reversibility: entry.reversibility,
      rule: entry.requirement.rule,
      approvals: entry.requirement.approvals,
    }));
    expect(seen).toEqual([
      { reversibility: 'irreversible', rule: 'pair', approvals: 2 },
      { reversibility: 'externally-reversible', rule: 'one', approvals: 1 },
    ]);
  });

  it('F04: a type that no permit speaks of is NO_POLICY, whatever it is called', async () => {
    const ledger = ledgerOf(SMALL + LARGE);
    expect(await answer(ledger, ledger.envelope())).toBe('NO_POLICY');
    const named = { type: 'payment.transfer_small', params: paramsOf() };
    expect(await answer(ledger, ledger.envelope(named))).toBe('NO_POLICY');
  });

  it('F04: a claim only ever makes the rule stricter', async () => {
    const ledger = ledgerOf(SMALL + NO_MATCH);
    const rule = async (envelope: JsonObject): Promise<string> =>
      (await ledger.request(envelope)).admission.entry.requirement.rule;
    // The vector says CLOSE_MATCH.
    expect(await rule(payment(ledger, '10.00'))).toBe('one+pair');
    const silent = payment(ledger, '10.00');
    expect(
      await rule({ ...silent, params: without('payee_check', silent['params'] as JsonObject) }),
    ).toBe('one');
    const alone = ledgerOf(NO_MATCH);
    expect(await answer(alone, payment(alone, '10.00'))).toBe('NO_POLICY');
  });

  it('F04: a forbid that a claim would lift still forbids', async () => {
    const unless = `@id("unchecked")
      forbid (principal, action == Action::"ask", resource is payment::transfer_v1)
      unless { resource has claimed.payee_check.result };`;
    const ledger = ledgerOf(SMALL + unless);
    expect(await answer(ledger, payment(ledger, '10.00'))).toBe('NO_POLICY');
  });

  it('F02: an action has no member for its policy, tier or approvers', async () => {
    const ledger = ledgerOf(SMALL);
    for (const name of ['policy', 'policy_digest', 'requirement', 'rule', 'approvers', 'tier']) {
      const envelope = { ...payment(ledger, '10.00'), [name]: 'one' };
      expect(await answer(ledger, envelope)).toBe('UNKNOWN_MEMBER');
      const hidden = payment(ledger, '10.00', { [name]: 'one' });
      expect(await answer(ledger, hidden)).toBe('UNKNOWN_MEMBER');
    }
  });

  it('D11: who comes into the group after the admission is NOT_ELIGIBLE for it', async () => {
    const groups = { treasury: [people.alice.id, people.bob.id] };
    const ledger = ledgerOf(LARGE, { groups }, carol.members);
    const asked = await ledger.request(payment(ledger, '5000.00'));
    await ledger.change({
      kind: 'policy-set',
      policy: policy(LARGE, { groups: { treasury: [...groups.treasury, carol.id] } }) as never,
    });
    expect(await ledger.decide(carol, asked)).toMatchObject({ code: 'NOT_ELIGIBLE' });
    const later = await ledger.request(payment(ledger, '5000.00'));
    expect((await ledger.decide(carol, later)).status).toBe('accepted');
  });

  it('is asked of each person who may decide, where it says so', async () => {
    const decide = `@id("finance-decides")
      permit (principal in Group::"treasury", action == Action::"decide", resource)
      unless { principal == resource.agent.owner };`;
    const ledger = ledgerOf(SMALL + decide, {}, carol.members);
    const { admission } = await ledger.request(payment(ledger, '10.00'));
    const { approvers } = admission.entry.requirement;
    expect(approvers).toEqual([people.alice.id, people.bob.id].sort());
  });

  it('leaves out whom it forbids to decide, where it says nothing else of it', async () => {
    const not = `@id("not-bob")
      forbid (principal == Person::"${people.bob.id}", action == Action::"decide", resource);`;
    const ledger = ledgerOf(SMALL + not);
    const { admission } = await ledger.request(payment(ledger, '10.00'));
    const approvers = [people.alice.id, people.owner.id].sort();
    expect(admission.entry.requirement.approvers).toEqual(approvers);
  });

  it('is NO_POLICY where too few are left who may decide', async () => {
    const groups = { treasury: [people.alice.id, people.owner.id] };
    const ledger = ledgerOf(LARGE, { groups });
    expect(await answer(ledger, payment(ledger, '5000.00'))).toBe('NO_POLICY');
  });

  it('is NO_POLICY where two rules name different persons, or classes', async () => {
    const both = SMALL + SMALL.replace('small', 'too').replace('"one"', '"other"');
    const rules = [
      { ...RULE, id: 'one', approvers: [people.alice.id] },
      { ...RULE, id: 'other', approvers: [people.bob.id] },
    ];
    const persons = ledgerOf(both, { rules });
    expect(await answer(persons, payment(persons, '10.00'))).toBe('NO_POLICY');
    const classes = ledgerOf(both, {
      rules: [
        { ...RULE, id: 'one' },
        { ...RULE, id: 'other', proof_classes: ['up'] },
      ],
    });
    expect(await answer(classes, payment(classes, '10.00'))).toBe('NO_POLICY');
  });

  it('is NO_POLICY where one of its policies cannot be evaluated, for Cedar would skip it', async () => {
    const overflow = `@id("many")
      forbid (principal, action == Action::"ask", resource is payment::transfer_v1)
      when { resource.facts.amount_minor * 9223372036854775807 > 5 };`;
    const ledger = ledgerOf(SMALL + overflow);
    expect(await answer(ledger, payment(ledger, '10.00'))).toBe('NO_POLICY');
  });

  it('refuses an amount that it could not compare to its last digit', async () => {
    const swift = { rail: 'swift', charge_bearer: 'SHAR', remittance: 'Invoice 1' };
    const ledger = ledgerOf(SMALL + LARGE);
    const most = payment(ledger, '90071992547409.91', swift);
    expect(await answer(ledger, most)).toBe('accepted');
    const more = payment(ledger, '90071992547409.92', swift);
    expect(await answer(ledger, more)).toBe('LIMIT_EXCEEDED');
  });

  it('is folded the same by whoever replays the log', async () => {
    const ledger = ledgerOf(SMALL + LARGE);
    await ledger.request(payment(ledger, '10.00'));
    const twin = TestLedger.twinOf(ledger);
    for (const { kind, bytes, atMs } of ledger.inputs) {
      twin.nowMs = atMs;
      await twin.submit(kind, bytes);
    }
    expect(twin.state.stateDigest()).toBe(ledger.state.stateDigest());
  });
});

const GOOD = policy(SMALL);

describe('a policy in Cedar that cannot be applied as it stands', () => {
  const wrong: readonly (readonly [string, Partial<CedarPolicy>])[] = [
    ['does not parse', { cedar: SMALL.replace('when', 'wenn') }],
    ['asks for an attribute that is not there', { cedar: SMALL.replace('amount_minor', 'amount') }],
    ['compares a text with a number', { cedar: SMALL.replace('"EUR"', '978') }],
    ['speaks of an unknown type', { cedar: SMALL.replace('transfer_v1', 'transfer_v9') }],
    [
      'reads what may be absent',
      { cedar: NO_MATCH.replace('resource has claimed.payee_check.result && ', '') },
    ],
    ['has a permit without a rule', { cedar: SMALL.replace('@rule("one")', '') }],
    ['names a rule that is not there', { cedar: SMALL.replace('"one"', '"none"') }],
    ['has a policy without an id', { cedar: SMALL.replace('@id("small")', '') }],
    ['has one id twice', { cedar: SMALL + SMALL }],
    ['writes the id another way', { cedar: SMALL.replace('@id(', '@id (') }],
    [
      'has a forbid with a rule',
      { cedar: SMALL + AGAINST.replace('"sanctions")', '"no") @rule("one")') },
    ],
    [
      'permits more than one action at once',
      { cedar: SMALL.replace('action == Action::"ask"', 'action') },
    ],
    [
      'names a group that is not there',
      { cedar: SMALL.replace('when {', 'when { principal.owner in Group::"audit" &&') },
    ],
    [
      'has a policy that can never apply',
      { cedar: SMALL.replace('principal,', 'principal in Group::"treasury",') },
    ],
    ['is a template', { cedar: SMALL.replace('principal,', 'principal == ?principal,') }],
    ['has a rule of a group that is not there', { groups: {} }],
  ];

  it.each(wrong)(
    'is SCHEMA_INVALID before anybody is asked to approve it: it %s',
    async (_, more) => {
      const ledger = new TestLedger({ people });
      const change = { kind: 'policy-set', policy: { ...GOOD, ...more } } as unknown as JsonObject;
      expect(await answer(ledger, ledger.changeEnvelope(change))).toBe('SCHEMA_INVALID');
    },
  );

  it.each(wrong)('is SCHEMA_INVALID when a ledger is founded with it: it %s', (_, more) => {
    expect(() => new TestLedger({ people, policy: { ...GOOD, ...more } })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }),
    );
  });

  it('is told with the id and the place', () => {
    const cedar = SMALL + AGAINST.replace('country', 'county');
    expect(() => new TestLedger({ people, policy: { ...GOOD, cedar } })).toThrow(
      /policy sanctions: line 6, column \d+: .*county/,
    );
  });

  it('is set when it is right', async () => {
    const ledger = new TestLedger({ people });
    await ledger.change({ kind: 'policy-set', policy: GOOD as never });
    expect(await answer(ledger, payment(ledger, '10.00'))).toBe('accepted');
  });
});
