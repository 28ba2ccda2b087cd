import { describe, expect, it } from 'vitest';
import type { CedarPolicy, Policy } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { policyOf } from './test-documents.ts';
import { TestLedger } from './test-ledger.ts';

async function set(ledger: TestLedger, policy: Policy): Promise<void> {
  const change = { kind: 'policy-set', policy } as unknown as JsonObject;
  expect(await ledger.change(change)).toEqual({ status: 'accepted' });
}

/** Bound under the first policy, used under the second. */
async function usedUnder(before: Policy, after: Policy, more: object = {}): Promise<unknown> {
  const ledger = new TestLedger({ policy: before, ...more });
  const asked = await ledger.request(ledger.envelope({ max_uses: 2 }));
  const { confirmation } = asked.admission.entry;
  const statement = confirmation === undefined ? {} : { confirmation };
  expect(await ledger.decide(ledger.alice, asked, { statement })).toEqual({ status: 'accepted' });
  const bound = { ...asked, binding: ledger.last('binding-made') };
  await set(ledger, after);
  const outcome = await ledger.use(ledger.useClaim(bound));
  return 'code' in outcome ? outcome.code : outcome.status;
}

const FIELD = '/cwd';
const typing = (last: number, field = FIELD): object => ({ confirm: { field, last } });
const WINDOW = { window_s: 60 };

const ROOT = `sha256:${'5c'.repeat(32)}`;
const STRANGER = 'prs_01KAR5RWY00000000000000009';
const NO_RULE: Policy = { v: 'countersign.policy.v1', rules: [] };

const CEDAR = `@id("command") @rule("one")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`;

function cedarPolicy(cedar: string, more: object = {}, groups: object = {}): CedarPolicy {
  const rule = Object.fromEntries(
    Object.entries(policyOf(1).rules[0] ?? {}).filter(([name]) => name !== 'types'),
  );
  return {
    v: 'countersign.policy.v3',
    cedar,
    groups,
    rules: [{ ...rule, id: 'one', ...more }],
  } as unknown as CedarPolicy;
}

describe('a use under another policy than the one that it was bound by', () => {
  it.each<[string, Policy, Policy]>([
    ['more approvals', policyOf(1), policyOf(2)],
    ['approvers that are others', policyOf(1), policyOf(1, { approvers: [STRANGER] })],
    ['no such proof class', policyOf(1, { proof_classes: ['uv', 'up'] }), policyOf(1)],
    ['a rationale', policyOf(1, { rationale: 'optional' }), policyOf(1)],
    ['keys that stay in their device', policyOf(1), policyOf(1, { device_bound: true })],
    ['keys of known models', policyOf(1), policyOf(1, { attested: [{ root: ROOT }] })],
    ['no rule for it', policyOf(1), NO_RULE],
    ['Cedar, where it was not', policyOf(1), cedarPolicy(CEDAR)],
    ['other Cedar', cedarPolicy(CEDAR), cedarPolicy(`${CEDAR}\n// another word`)],
    ['more approvals in Cedar', cedarPolicy(CEDAR), cedarPolicy(CEDAR, { approvals: 2 })],
    ['no Cedar, and no rule', cedarPolicy(CEDAR), NO_RULE],
    ['something to type', cedarPolicy(CEDAR), cedarPolicy(CEDAR, typing(4))],
    ['more to type', cedarPolicy(CEDAR, typing(4)), cedarPolicy(CEDAR, typing(5))],
    [
      'another field to type',
      cedarPolicy(CEDAR, typing(4)),
      cedarPolicy(CEDAR, typing(4, '/executable/path')),
    ],
  ])('F01: is refused where it is stricter now: %s', async (_, before, after) => {
    expect(await usedUnder(before, after)).toBe('POLICY_CHANGED');
  });

  it.each<[string, Policy, Policy]>([
    ['fewer proof classes needed', policyOf(1), policyOf(1, { proof_classes: ['uv', 'up'] })],
    ['no rationale', policyOf(1), policyOf(1, { rationale: 'optional' })],
    ['longer times', policyOf(1), policyOf(1, { use_within_s: 9_000 })],
    ['other devices', policyOf(1, { device_bound: true }), policyOf(1)],
    ['a looser rule in Cedar', cedarPolicy(CEDAR), cedarPolicy(CEDAR, { rationale: 'optional' })],
    [
      'a group that no policy names',
      cedarPolicy(CEDAR),
      cedarPolicy(CEDAR, {}, { ops: [STRANGER] }),
    ],
    ['less to type', cedarPolicy(CEDAR, typing(4)), cedarPolicy(CEDAR, typing(3))],
    [
      'nothing to type, and the same window',
      cedarPolicy(CEDAR, { ...typing(4), ...WINDOW }),
      cedarPolicy(CEDAR, WINDOW),
    ],
    ['no Cedar, and the same rule', cedarPolicy(CEDAR), policyOf(1)],
  ])('F01: is taken where it is not: %s', async (_, before, after) => {
    expect(await usedUnder(before, after)).toBe('accepted');
  });

  it('F01: is refused of who approved, and is none of the approvers now', async () => {
    const founder = new TestLedger();
    const { owner, alice, bob } = founder;
    const people = { people: { owner, alice, bob } };
    const among = policyOf(1, { approvers: [alice.id, bob.id] });
    expect(await usedUnder(policyOf(1), among, people)).toBe('accepted');
    const others = policyOf(1, { approvers: [bob.id] });
    expect(await usedUnder(policyOf(1), others, people)).toBe('POLICY_CHANGED');
  });

  it('F01: is as before by rules 1', async () => {
    expect(await usedUnder(policyOf(1), policyOf(2), { rules: 1 })).toBe('accepted');
  });

  it('F01: is none by the old count of uses', async () => {
    const ledger = new TestLedger({ policy: policyOf(1, { max_uses: 2 }) });
    const bound = await ledger.bound(ledger.envelope({ max_uses: 2 }));
    await ledger.use(ledger.useClaim(bound));
    await set(ledger, policyOf(1, { max_uses: 1 }));
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'POLICY_CHANGED' });
  });

  it('F01: counts again once the policy is as it was', async () => {
    const ledger = new TestLedger();
    const bound = await ledger.bound();
    await set(ledger, policyOf(2));
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'POLICY_CHANGED' });
    await set(ledger, policyOf(1));
    expect(await ledger.use(ledger.useClaim(bound))).toEqual({ status: 'accepted' });
  });
});

describe('an open request under a policy that has become stricter', () => {
  it('F01: is not bound by the approval that would complete its quorum, and stays open', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    await set(ledger, policyOf(2));
    const outcome = await ledger.decide(ledger.alice, asked);
    expect(outcome).toEqual({ status: 'refused', code: 'POLICY_CHANGED' });
    expect(ledger.state.action(asked.admission.entry.action_id)?.status).toBe('pending');
    await ledger.decide(ledger.bob, asked, { verdict: 'deny' });
    expect(ledger.state.action(asked.admission.entry.action_id)?.status).toBe('denied');
  });

  it('is bound as it was asked for under one that is looser', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    await set(ledger, policyOf(1));
    await ledger.decide(ledger.alice, asked);
    expect(ledger.state.action(asked.admission.entry.action_id)?.status).toBe('pending');
    expect(await ledger.decide(ledger.bob, asked)).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-made').entry.requirement.approvals).toBe(2);
  });
});

describe('a policy', () => {
  it('F03: is not set by one person where changes need two', async () => {
    const ledger = new TestLedger({ bootstrapApprovals: 2 });
    const change = { kind: 'policy-set', policy: policyOf(2) } as unknown as JsonObject;
    const asked = await ledger.request(ledger.changeEnvelope(change));
    await ledger.decide(ledger.alice, asked);
    expect(await ledger.decide(ledger.alice, asked)).not.toMatchObject({ status: 'accepted' });
    expect(ledger.entries('authority-changed')).toEqual([]);
    // Nor by who answers for the agent that asked.
    expect(await ledger.decide(ledger.owner, asked)).toMatchObject({ code: 'OWNER_APPROVAL' });
    await ledger.decide(ledger.bob, asked);
    expect(ledger.entries('authority-changed')).toHaveLength(1);
    expect(ledger.state.policy).toEqual(policyOf(2));
  });
});
