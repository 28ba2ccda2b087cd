import { describe, expect, it } from 'vitest';
import { LedgerState, nextDeadlineMs, parseEntry } from '@countersign/binding';
import { policyOf } from './test-documents.ts';
import { TestLedger } from './test-ledger.ts';
import { START_MS } from './test-members.ts';

function replay(ledger: TestLedger): LedgerState {
  const state = ledger.emptyState();
  for (const { bytes, index, leaf } of ledger.log) state.evolve(parseEntry(bytes), { index, leaf });
  return state;
}

async function busy(
  options: ConstructorParameters<typeof TestLedger>[0] = {},
): Promise<TestLedger> {
  const ledger = new TestLedger(options);
  const bound = await ledger.bound();
  const claim = ledger.useClaim(bound);
  await ledger.use(claim);
  await ledger.submitReport(ledger.report(claim));
  await ledger.decide(ledger.alice, await ledger.request(), { verdict: 'deny' });
  await ledger.request();
  await ledger.tick(900_001);
  await ledger.change({ kind: 'policy-set', policy: policyOf(2) as never });
  await ledger.erase(bound.action.envelope.action_id);
  const last = await ledger.request();
  await ledger.decide(ledger.bob, last, { verdict: 'revoke' });
  return ledger;
}

describe('the fold', () => {
  it('is the same for a replay of the entries as it was live', async () => {
    const ledger = await busy();
    expect(replay(ledger).stateDigest()).toBe(ledger.state.stateDigest());
  });

  it('is committed to by entries that a replay confirms', async () => {
    const ledger = await busy({ limits: { stateCommitEvery: 3 } });
    const commits = ledger.entries('state-committed');
    expect(commits.length).toBeGreaterThan(3);
    const state = ledger.emptyState();
    for (const { bytes, index, leaf } of ledger.log) {
      const entry = parseEntry(bytes);
      if (entry.type === 'state-committed') {
        expect(entry).toMatchObject({ size: state.size, state_digest: state.stateDigest() });
      }
      state.evolve(entry, { index, leaf });
    }
  });

  it('is not changed by decide', async () => {
    const ledger = await busy();
    const before = ledger.state.stateDigest();
    const decided = await ledger.decided('request', ledger.requestFrame(ledger.envelope()));
    expect(decided).toHaveProperty('entries');
    expect(ledger.state.stateDigest()).toBe(before);
    expect(ledger.state.size).toBe(ledger.log.length);
  });

  it('takes a draft back when it is dropped, and in when it is committed', async () => {
    const ledger = await busy();
    const before = ledger.state.stateDigest();
    const bytes = ledger.requestFrame(ledger.envelope());
    const dropped = ledger.state.draft();
    const decided = await ledger.decided('request', bytes, dropped);
    if ('status' in decided) throw new Error('expected entries');
    dropped.apply(decided);
    expect(dropped.stateDigest()).not.toBe(before);
    expect(ledger.state.stateDigest()).toBe(before);
    const kept = ledger.state.draft();
    kept.apply(decided);
    const digest = kept.stateDigest();
    kept.commit();
    expect(ledger.state.stateDigest()).toBe(digest);
    expect(() => {
      dropped.commit();
    }).toThrow(/rests while its draft is in use/);
  });

  it('lets later decisions of a batch see the earlier ones', async () => {
    const ledger = new TestLedger({ limits: { openPerAgentMax: 1 } });
    const draft = ledger.state.draft();
    const outcomes = [];
    for (let i = 0; i < 2; i += 1) {
      const decided = await ledger.decided(
        'request',
        ledger.requestFrame(ledger.envelope()),
        draft,
      );
      if ('status' in decided) throw new Error('expected entries');
      draft.apply(decided);
      outcomes.push(decided.outcome.status);
    }
    expect(outcomes).toEqual(['accepted', 'refused']);
  });

  it('says when a tick is useful', async () => {
    const ledger = new TestLedger();
    expect(nextDeadlineMs(ledger.state)).toBeUndefined();
    await ledger.request();
    expect(nextDeadlineMs(ledger.state)).toBe(START_MS + 900_001);
    const draft = ledger.state.draft();
    draft.commit();
    expect(nextDeadlineMs(ledger.state)).toBe(START_MS + 900_001);
    await ledger.tick(900_001);
    ledger.state.draft().commit();
    expect(nextDeadlineMs(ledger.state)).toBeUndefined();
  });

  it('never goes back in time', async () => {
    const ledger = new TestLedger();
    await ledger.request();
    ledger.nowMs -= 60_000;
    await ledger.request();
    const [first, second] = ledger.entries('request-admitted');
    expect(second?.entry.at).toBe(first?.entry.at);
  });

  it('forgets what is older than thirty days, and refuses its id by age', async () => {
    const ledger = new TestLedger({ limits: { stateCommitEvery: 1 } });
    const envelope = ledger.envelope();
    const old = await ledger.request(envelope);
    await ledger.decide(ledger.alice, old, { verdict: 'deny' });
    await ledger.tick(31 * 86_400_000);
    await ledger.request();
    expect(ledger.state.action(old.action.envelope.action_id)).toBeUndefined();
    expect(await ledger.submit('request', ledger.requestFrame(envelope))).toMatchObject({
      status: 'refused',
    });
    expect(ledger.last('request-refused').entry.code).toBe('REQUEST_ID_EXPIRED');
    expect(replay(ledger).stateDigest()).toBe(ledger.state.stateDigest());
  });

  it('C03: after a restart, inputs that are read again change nothing', async () => {
    const ledger = await busy();
    const inputs = ledger.inputs.slice(-4);
    const size = ledger.log.length;
    for (const { kind, bytes } of inputs) {
      expect(await ledger.submit(kind, bytes)).toMatchObject({ status: 'repeated' });
    }
    expect(ledger.log).toHaveLength(size);
  });
});
