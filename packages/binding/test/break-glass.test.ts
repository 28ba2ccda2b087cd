import type { JsonObject } from '@countersign/canonical';
import { firstDecision } from '../../audit/src/logged-group.ts';
import { PackedAction, rememberedBytes } from '../src/remembered-action.ts';
import { decideAgain, type CedarPolicy, type PlacedEntry } from '@countersign/binding';
import { describe, expect, it } from 'vitest';
import { COMMAND_PARAMS } from './test-documents.ts';
import { verifySignature } from './test-keys.ts';
import { TestLedger, type Bound } from './test-ledger.ts';
import { testPerson } from './test-members.ts';

const people = { owner: testPerson(), alice: testPerson(), bob: testPerson() };
const carol = testPerson();
const REVIEW_WITHIN_S = 3_600;

const RULE = {
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
} as const;

const CEDAR = `@id("usual") @rule("usual")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("emergency") @rule("glass")
permit (principal, action == Action::"ask", resource is emergency::command_v1);
`;

function policyOf(cedar = CEDAR): CedarPolicy {
  return {
    v: 'countersign.policy.v3',
    cedar,
    groups: {},
    rules: [
      { ...RULE, id: 'usual' },
      { ...RULE, id: 'glass', break_glass: { review_within_s: REVIEW_WITHIN_S } },
    ],
  };
}

function ledgerOf(policy = policyOf()): TestLedger {
  return new TestLedger({ policy, people, extra: carol.members });
}

const PARAMS = {
  ...COMMAND_PARAMS,
  incident: { system: 'siem', id: 'INC-118' },
  reason: 'customers cannot pay',
};

function emergency(ledger: TestLedger, more: JsonObject = {}): JsonObject {
  return ledger.envelope({ type: 'emergency.command', params: PARAMS, ...more });
}

/** Asked for, and approved by Alice. */
async function broken(ledger: TestLedger): Promise<Bound> {
  return ledger.bound(emergency(ledger));
}

function reviewOf({ action, binding }: Bound, more: JsonObject = {}): JsonObject {
  return {
    kind: 'reviewed',
    action_id: action.envelope.action_id,
    action_type: 'emergency.command',
    action_digest: action.digest,
    approvers: binding.entry.decisions.map(({ person }) => person),
    concerned: [people.owner.id],
    result: 'not-used',
    verdict: 'justified',
    remarks: 'payments were down',
    ...more,
  };
}

async function answer(
  ledger: TestLedger,
  envelope: JsonObject,
  agent = ledger.agent,
): Promise<string> {
  const outcome = await ledger.submit('request', ledger.requestFrame(envelope, agent));
  return 'code' in outcome ? outcome.code : outcome.status;
}

async function ran(ledger: TestLedger, bound: Bound): Promise<void> {
  const claim = ledger.useClaim(bound);
  expect(await ledger.use(claim)).toEqual({ status: 'accepted' });
  expect(await ledger.submitReport(ledger.report(claim))).toEqual({ status: 'accepted' });
}

/** A request by Alice's own agent, so that Alice alone has a part in asking. */
async function reviewed(ledger: TestLedger, change: JsonObject): Promise<void> {
  const asked = await ledger.request(ledger.changeEnvelope(change, ledger.other), ledger.other);
  expect(await ledger.decide(people.bob, asked)).toEqual({ status: 'accepted' });
  expect(await ledger.decide(carol, asked)).toEqual({ status: 'accepted' });
}

function findings(ledger: TestLedger): string[] {
  return ledger.entries('finding-raised').map(({ entry }) => entry.finding);
}

/** How many of these entries follow from those before them, as an audit derives them. */
async function derived(ledger: TestLedger, log: readonly PlacedEntry[]): Promise<number> {
  const state = ledger.emptyState();
  const [first, ...rest] = log;
  if (first === undefined) return 0;
  state.evolve(first.entry, first);
  let left = rest;
  for (let lastAt = first.entry.at; left.length > 0;) {
    const logged = firstDecision(
      left.map(({ entry }) => entry),
      lastAt,
    );
    if (logged === undefined) break;
    const { entries } = await decideAgain(state, logged, () => verifySignature);
    const isSo = entries.every(({ leaf }, at) => leaf === left[at]?.leaf);
    if (!isSo || entries.length === 0) break;
    for (const each of entries) state.evolve(each.entry, each);
    left = left.slice(entries.length);
    lastAt = logged.at;
  }
  return log.length - left.length;
}

describe('break-glass is no normal path', () => {
  it('F09: raises an alarm in the batch of the binding, which says what it is', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    const { entry } = bound.binding;
    expect(entry.requirement.break_glass).toEqual({ review_within_s: REVIEW_WITHIN_S });
    expect(ledger.types.slice(-3)).toEqual(['decision-accepted', 'binding-made', 'finding-raised']);
    expect(ledger.last('finding-raised').entry).toMatchObject({
      finding: 'BREAK_GLASS',
      about: { action_id: bound.action.envelope.action_id, agent: ledger.agent.id },
    });
  });

  it('F09: is allowed by a rule for emergencies alone, and such a rule allows nothing else', async () => {
    const lax = ledgerOf(policyOf(CEDAR.replace('@rule("glass")', '@rule("usual")')));
    expect(await answer(lax, emergency(lax))).toBe('NO_POLICY');
    const turned = ledgerOf(policyOf(CEDAR.replace('@rule("usual")', '@rule("glass")')));
    expect(await answer(turned, turned.envelope())).toBe('NO_POLICY');
    const both = `${CEDAR}@id("both") @rule("usual")\npermit (principal, action == Action::"ask", resource);\n`;
    const joined = ledgerOf(policyOf(both));
    expect(await answer(joined, emergency(joined))).toBe('NO_POLICY');
    expect(await answer(joined, joined.envelope())).toBe('accepted');
    const types = { ...RULE, id: 'usual', types: ['emergency.command'] };
    const plain = new TestLedger({
      policy: { v: 'countersign.policy.v1', rules: [types] },
      people,
    });
    expect(await answer(plain, emergency(plain))).toBe('NO_POLICY');
  });

  it('needs two persons besides who decides to review it', async () => {
    const ledger = new TestLedger({ policy: policyOf(), people });
    expect(await answer(ledger, emergency(ledger))).toBe('NO_POLICY');
  });

  it.each([
    { max_uses: 2 },
    { rationale: 'optional' },
    { decide_within_s: 3_601 },
    { use_within_s: 3_601 },
    { proof_classes: ['uv', 'possession'] },
    { break_glass: { review_within_s: 59 } },
    { break_glass: { review_within_s: 259_201 } },
    { break_glass: { review_within_s: 60, later: true } },
  ])('takes no rule for emergencies with %j', (more) => {
    const { rules, ...rest } = policyOf();
    const wrong = {
      ...rest,
      rules: rules.map((rule) => ('break_glass' in rule ? { ...rule, ...more } : rule)),
    };
    expect(() => ledgerOf(wrong as CedarPolicy)).toThrow(
      expect.objectContaining({
        code: 'later' in (more.break_glass ?? {}) ? 'UNKNOWN_MEMBER' : 'SCHEMA_INVALID',
      }) as Error,
    );
  });

  it('F09: is said to be unreviewed when its time is over, once, and nobody breaks the glass again', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    await ran(ledger, bound);
    await ledger.tick(REVIEW_WITHIN_S * 1_000 - 1);
    expect(findings(ledger)).toEqual(['BREAK_GLASS']);
    const open = await ledger.request(emergency(ledger));
    await ledger.tick(2);
    await ledger.tick(60_000);
    expect(findings(ledger)).toEqual(['BREAK_GLASS', 'BREAK_GLASS_UNREVIEWED']);
    expect(await answer(ledger, emergency(ledger))).toBe('REVIEW_OVERDUE');
    expect(await answer(ledger, emergency(ledger), ledger.other)).toBe('AGENT_MISMATCH');
    expect(await ledger.decide(people.alice, open)).toMatchObject({ code: 'REVIEW_OVERDUE' });
    expect(await answer(ledger, ledger.envelope())).toBe('accepted');
    await reviewed(ledger, reviewOf(bound, { result: 'succeeded' }));
    expect(await answer(ledger, emergency(ledger))).toBe('accepted');
    expect(findings(ledger)).toEqual(['BREAK_GLASS', 'BREAK_GLASS_UNREVIEWED']);
  });

  it('F09: is closed by two persons who had no part in it, and by nobody else', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    await ran(ledger, bound);
    const change = reviewOf(bound, { result: 'succeeded', verdict: 'not-justified' });
    const asked = await ledger.request(ledger.changeEnvelope(change, ledger.other), ledger.other);
    expect(asked.admission.entry.requirement).toEqual({
      rule: 'review',
      approvals: 2,
      approvers: 'any',
      proof_classes: ['uv'],
      rationale: 'required',
    });
    expect(await ledger.decide(people.owner, asked)).toMatchObject({ code: 'NOT_ELIGIBLE' });
    expect(await ledger.decide(people.alice, asked)).toMatchObject({ code: 'OWNER_APPROVAL' });
    await ledger.decide(people.bob, asked);
    expect(await ledger.decide(people.bob, asked)).toMatchObject({ status: 'repeated' });
    expect(ledger.entries('authority-changed')).toHaveLength(0);
    const { root } = ledger.state.authority;
    await ledger.decide(carol, asked);
    expect(ledger.last('authority-changed').entry.authority_root).toBe(root);
    await ledger.tick(REVIEW_WITHIN_S * 2_000);
    expect(findings(ledger)).toEqual(['BREAK_GLASS']);
    expect(await answer(ledger, ledger.changeEnvelope(change))).toBe('REVIEW_MISMATCH');
  });

  it('is not reviewed by who approved it, whoever asks', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    await ran(ledger, bound);
    const change = reviewOf(bound, { result: 'succeeded' });
    const asked = await ledger.request(ledger.changeEnvelope(change));
    expect(await ledger.decide(people.alice, asked)).toMatchObject({ code: 'NOT_ELIGIBLE' });
  });

  it('is reviewed as what the log says of it, and not while it may still run', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    expect(await answer(ledger, ledger.changeEnvelope(reviewOf(bound)))).toBe('REVIEW_MISMATCH');
    await ran(ledger, bound);
    for (const more of [
      { result: 'failed' },
      { approvers: [people.bob.id] },
      { concerned: [people.bob.id] },
      { action_digest: `sha256:${'0'.repeat(64)}` },
      { action_type: 'generic.command' },
    ]) {
      const change = reviewOf(bound, { result: 'succeeded', ...more });
      expect(await answer(ledger, ledger.changeEnvelope(change))).toBe('REVIEW_MISMATCH');
    }
    const usual = await ledger.bound();
    const change = reviewOf(usual, { result: 'not-used' });
    expect(await answer(ledger, ledger.changeEnvelope(change))).toBe('REVIEW_MISMATCH');
  });

  it('is reviewed once: a second review that is open then comes too late', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    await ran(ledger, bound);
    const change = reviewOf(bound, { result: 'succeeded' });
    const late = await ledger.request(ledger.changeEnvelope(change, ledger.other), ledger.other);
    await ledger.decide(people.bob, late);
    await reviewed(ledger, { ...change, verdict: 'not-justified' });
    expect(await ledger.decide(carol, late)).toMatchObject({ code: 'AUTHORITY_STALE' });
  });

  it('stays readable and remembered until then', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    const { action_id: id } = bound.action.envelope;
    await ledger.erase(id);
    expect(ledger.last('finding-raised').entry.finding).toBe('NOT_ELIGIBLE');
    const twin = TestLedger.twinOf(ledger, { stateCommitEvery: 1 }, { extra: carol.members });
    const kept = await broken(twin);
    await twin.tick(90 * 86_400_000);
    await twin.tick(3_700_000);
    expect(twin.state.action(kept.action.envelope.action_id)?.breakGlass).toMatchObject({
      isOverdue: true,
    });
    expect(await answer(twin, emergency(twin))).toBe('REVIEW_OVERDUE');
  });

  it('is told from its text alone that it waits for a review', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    const record = ledger.state.action(bound.action.envelope.action_id);
    if (record === undefined) throw new Error('expected a record');
    const packed = PackedAction.of(rememberedBytes(record));
    expect(packed).toMatchObject({ isUnreviewed: true, isOpen: false });
    expect(packed?.unpack()).toEqual(record);
  });

  it('F09: is derived again from the log, alarm, overdue review and review; none can be left out', async () => {
    const ledger = ledgerOf();
    const bound = await broken(ledger);
    await ran(ledger, bound);
    await ledger.request();
    await ledger.tick(REVIEW_WITHIN_S * 1_000 + 1);
    await answer(ledger, emergency(ledger));
    await reviewed(ledger, reviewOf(bound, { result: 'succeeded' }));
    await broken(ledger);
    const { log } = ledger;
    expect(await derived(ledger, log)).toBe(log.length);
    for (const code of ['BREAK_GLASS', 'BREAK_GLASS_UNREVIEWED']) {
      const index = log.findIndex(
        ({ entry }) => entry.type === 'finding-raised' && entry.finding === code,
      );
      const without = log.filter((each) => each.index !== index);
      expect(await derived(ledger, without)).toBeLessThanOrEqual(index);
    }
  });
});
