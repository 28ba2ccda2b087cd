import { describe, expect, it } from 'vitest';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { LedgerState, PackedAction, RecentEntries, type CedarPolicy } from '../src/index.ts';
import { policyOf } from './test-documents.ts';
import { POLICY_ENGINE, TestLedger, type Asked } from './test-ledger.ts';

const HOUR_MS = 3_600_000;

/** Up to three a day by one person, up to five by two, and no more. */
function counting(): CedarPolicy {
  const [rule] = policyOf(1).rules;
  if (rule === undefined) throw new Error('expected a rule');
  const { types, ...bare } = rule;
  if (types.length === 0) throw new Error('expected a rule of a type');
  return {
    v: 'countersign.policy.v3',
    cedar: `@id("few") @rule("one")
permit (principal, action == Action::"ask", resource)
when { resource.recent.count_24h < 3 };
@id("many") @rule("two")
permit (principal, action == Action::"ask", resource)
when { resource.recent.count_24h >= 3 && resource.recent.count_24h < 5 };`,
    groups: {},
    rules: [
      { ...bare, id: 'one' },
      { ...bare, id: 'two', approvals: 2 },
    ],
  };
}

function countingLedger(): TestLedger {
  return new TestLedger({ policy: counting(), limits: { stateCommitEvery: 4 } });
}

function ruleOf({ admission }: Asked): string {
  return admission.entry.requirement.rule;
}

describe('a policy that counts', () => {
  it('A14: escalates who asks often, freezes by what count, and refuses what no permit is left for', async () => {
    const ledger = countingLedger();
    const asked: Asked[] = [];
    for (let i = 0; i < 5; i += 1) asked.push(await ledger.request());
    expect(asked.map(ruleOf)).toEqual(['one', 'one', 'one', 'two', 'two']);
    const frozen = asked.map(({ admission }) => admission.entry);
    expect(frozen.map(({ recent }) => recent?.count_24h)).toEqual([0, 1, 2, 3, 4]);
    expect(frozen.map(({ permits }) => permits)[3]).toEqual(['many']);
    const sixth = await ledger.submit('request', ledger.requestFrame(ledger.envelope()));
    expect(sixth).toEqual({ status: 'refused', code: 'NO_POLICY' });
  });

  it('A14: counts an hour and a day of ledger time, whatever became of the requests', async () => {
    const ledger = countingLedger();
    const denied = await ledger.request();
    await ledger.decide(ledger.alice, denied, { verdict: 'deny' });
    await ledger.tick(HOUR_MS);
    const { admission } = await ledger.request();
    expect(admission.entry.recent).toEqual({ count_1h: 0, count_24h: 1 });
    await ledger.tick(24 * HOUR_MS);
    expect((await ledger.request()).admission.entry.recent).toEqual({ count_1h: 0, count_24h: 0 });
  });

  it('A14: counts each agent and each type by itself', async () => {
    const ledger = countingLedger();
    for (let i = 0; i < 3; i += 1) await ledger.request();
    const other = await ledger.request(ledger.envelope({}, ledger.other), ledger.other);
    expect(ruleOf(other)).toBe('one');
    expect(ruleOf(await ledger.request())).toBe('two');
  });

  it('A14: counts each item of a batch, so that none goes around it', async () => {
    const ledger = countingLedger();
    const command = ledger.envelope()['params'] ?? null;
    const batch = (count: number): JsonObject =>
      ledger.envelope({
        type: 'batch.generic.command',
        params: { order: 'any', items: Array.from({ length: count }, () => ({ params: command })) },
        max_uses: count,
        not_after: formatTimestamp(ledger.nowMs + 600_000),
      });
    const few = await ledger.request(batch(2));
    expect(ruleOf(few)).toBe('one');
    expect(few.admission.entry.recent).toMatchObject({ count_24h: 0, items: { count_24h: 0 } });
    // One by one, the second of these would be the fourth of the day.
    const more = await ledger.request(batch(2));
    expect(ruleOf(more)).toBe('one+two');
    expect(more.admission.entry.permits).toEqual(['few', 'many']);
    expect(ruleOf(await ledger.request())).toBe('two');
  });

  it('counts the same after it was restored from a snapshot', async () => {
    const ledger = countingLedger();
    for (let i = 0; i < 3; i += 1) await ledger.request();
    const replayed = ledger.emptyState();
    const options = { descriptors: BUILTIN_DESCRIPTORS, policyEngine: POLICY_ENGINE };
    for (const placed of ledger.log) {
      replayed.evolve(placed.entry, placed);
      if (placed.entry.type !== 'state-committed') continue;
      const committed = replayed.takeCommitted();
      const actions = [...(committed?.changes.values() ?? [])].flatMap((kept) => {
        const packed = kept && PackedAction.of(kept.bytes());
        return packed === undefined ? [] : [packed];
      });
      if (committed === undefined) throw new Error('expected the fold before it');
      const restored = LedgerState.restore(options, {
        ...{ parts: committed.parts, actions, recent: new RecentEntries() },
        digest: placed.entry.state_digest,
      });
      const tables = [restored, replayed].map((state) => [
        ...(state?.tables.recent.entries() ?? []),
      ]);
      expect(tables[0]).toEqual(tables[1]);
      expect(tables[0]).not.toEqual([]);
    }
    expect(ledger.entries('state-committed')).not.toHaveLength(0);
  });

  it('freezes nothing of the past where no policy looks at it', async () => {
    const ledger = new TestLedger();
    expect((await ledger.request()).admission.entry.recent).toBeUndefined();
    expect([...ledger.state.tables.recent.entries()]).toEqual([]);
  });
});
