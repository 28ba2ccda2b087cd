import { describe, expect, it } from 'vitest';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { LedgerState, PackedAction, RecentEntries } from '../src/index.ts';
import { POLICY_ENGINE, TestLedger } from './test-ledger.ts';

const MINUTE_MS = 60_000;

function loads(ledger: TestLedger): unknown[] {
  return ledger.entries('decision-accepted').map(({ entry }) => entry.load);
}

describe('what was asked of a person before a decision', () => {
  it('D15: is in the record: forty prompts within the hour, and what the person had decided', async () => {
    const ledger = new TestLedger();
    const asked = [];
    for (let i = 0; i < 40; i += 1) asked.push(await ledger.request());
    const [first, second, third] = asked;
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    await ledger.decide(ledger.alice, first, { verdict: 'deny' });
    await ledger.decide(ledger.alice, second);
    await ledger.decide(ledger.bob, third);
    expect(loads(ledger)).toEqual([
      { prompts_1h: 40, decisions_1h: 0 },
      { prompts_1h: 40, decisions_1h: 1 },
      { prompts_1h: 40, decisions_1h: 0 },
    ]);
  });

  it('D15: is of the hour by ledger time, a minute at a time', async () => {
    const ledger = new TestLedger();
    const early = await ledger.request();
    await ledger.decide(ledger.alice, early);
    await ledger.tick(59 * MINUTE_MS);
    await ledger.decide(ledger.alice, await ledger.request());
    await ledger.tick(MINUTE_MS);
    await ledger.decide(ledger.alice, await ledger.request());
    expect(loads(ledger)).toEqual([
      { prompts_1h: 1, decisions_1h: 0 },
      { prompts_1h: 2, decisions_1h: 1 },
      { prompts_1h: 2, decisions_1h: 1 },
    ]);
  });

  it('D15: goes on after a start from a snapshot as it would have without one', async () => {
    const ledger = new TestLedger({ limits: { stateCommitEvery: 4 } });
    await ledger.request();
    await ledger.decide(ledger.alice, await ledger.request());
    const committed = ledger.state.takeCommitted();
    const digest = ledger.last('state-committed').entry.state_digest;
    if (committed === undefined) throw new Error('expected a fold that is committed to');
    expect(committed.parts.load).toMatchObject({ decided: [{ person: ledger.alice.id }] });
    const options = { descriptors: BUILTIN_DESCRIPTORS, policyEngine: POLICY_ENGINE };
    const actions = [...committed.changes.values()].flatMap((each) =>
      each === undefined ? [] : (PackedAction.of(each.bytes()) ?? []),
    );
    const of = (parts: typeof committed.parts): LedgerState | undefined =>
      LedgerState.restore(options, { parts, actions, digest, recent: new RecentEntries() });
    expect(of(committed.parts)?.stateDigest()).toBe(digest);
    const { load, ...without } = committed.parts;
    // Whoever keeps the snapshot cannot let an hour of prompts be forgotten.
    expect(load === undefined || of({ ...without, load: { ...load, asked: [] } })).toBeUndefined();
    expect(of(without)).toBeUndefined();
  });

  it('is told by rules 2 alone, so that an older log is decided as it was', async () => {
    const ledger = new TestLedger({ rules: 1 });
    await ledger.bound();
    expect(loads(ledger)).toEqual([undefined]);
  });
});
