import { describe, expect, it } from 'vitest';
import { boundChangeIn, encodeEntry, homeMember, homeOf } from '../src/index.ts';
import { TestLedger } from './test-ledger.ts';

const MOVE = { kind: 'home-moved', tenant: 'acme', from: 3, to: 5 };

function homeIn(ledger: TestLedger): number | undefined {
  return homeOf(ledger.state.authority);
}

async function refusal(ledger: TestLedger, change: typeof MOVE): Promise<unknown> {
  const frame = ledger.requestFrame(ledger.changeEnvelope(change));
  const outcome = await ledger.submit('request', frame);
  return outcome.status === 'refused' ? outcome.code : outcome;
}

describe('the home of a ledger', () => {
  it('is not said by a log that was founded without it, and by its first move', async () => {
    const ledger = new TestLedger();
    expect(homeIn(ledger)).toBeUndefined();
    await ledger.change(MOVE);
    expect(homeIn(ledger)).toBe(5);
    expect(boundChangeIn(encodeEntry(ledger.last('authority-changed').entry))).toEqual(MOVE);
  });

  it('is said by a founding that names it, from the first entry on', async () => {
    const ledger = new TestLedger({ extra: [homeMember(3)] });
    expect(homeIn(ledger)).toBe(3);
    await ledger.change(MOVE);
    expect(homeIn(ledger)).toBe(5);
  });

  it('is left from where it is, for somewhere else, for its own tenant', async () => {
    const ledger = new TestLedger({ extra: [homeMember(3)] });
    expect(await refusal(ledger, { ...MOVE, from: 4 })).toBe('MEMBER_UNKNOWN');
    expect(await refusal(ledger, { ...MOVE, to: 3 })).toBe('SCHEMA_INVALID');
    expect(await refusal(ledger, { ...MOVE, to: 100_000 })).toBe('SCHEMA_INVALID');
    expect(await refusal(ledger, { ...MOVE, tenant: 'globex' })).toBe('TENANT_UNKNOWN');
    expect(homeIn(ledger)).toBe(3);
  });

  it('is left from where the log is read, while the log does not say where that is', async () => {
    const ledger = new TestLedger({ readFrom: 3 });
    expect(await refusal(ledger, { ...MOVE, from: 4 })).toBe('MEMBER_UNKNOWN');
    await ledger.change(MOVE);
    expect(homeIn(ledger)).toBe(5);
  });

  it('is left only when an operator asks for it', async () => {
    const ledger = new TestLedger({ extra: [homeMember(3)] });
    const envelope = ledger.changeEnvelope(MOVE, ledger.other);
    const frame = ledger.requestFrame(envelope, ledger.other);
    expect(await ledger.submit('request', frame)).toMatchObject({
      status: 'refused',
      code: 'NOT_ELIGIBLE',
    });
  });

  it('is never one that was left, however the ledger was founded', async () => {
    for (const ledger of [new TestLedger(), new TestLedger({ extra: [homeMember(3)] })]) {
      await ledger.change(MOVE);
      await ledger.change({ ...MOVE, from: 5, to: 7 });
      for (const to of [3, 5]) {
        expect(await refusal(ledger, { ...MOVE, from: 7, to })).toBe('MEMBER_EXISTS');
      }
    }
  });

  it('is left by one of two moves that were both possible when they were asked for', async () => {
    const ledger = new TestLedger({ extra: [homeMember(3)] });
    const asked = [
      await ledger.request(ledger.changeEnvelope(MOVE)),
      await ledger.request(ledger.changeEnvelope({ ...MOVE, to: 6 })),
    ];
    const outcomes = [];
    for (const each of asked) outcomes.push(await ledger.decide(ledger.alice, each));
    expect(outcomes).toMatchObject([
      { status: 'accepted' },
      { status: 'refused', code: 'AUTHORITY_STALE' },
    ]);
    expect(homeIn(ledger)).toBe(5);
  });

  it('is remembered with those that were left, by whoever starts from a committed fold', async () => {
    const ledger = new TestLedger({ limits: { stateCommitEvery: 1 } });
    await ledger.change(MOVE);
    const committed = ledger.state.takeCommitted();
    expect(committed?.parts.retired).toEqual([{ kind: 'home', id: '3' }]);
  });
});

describe('a founding', () => {
  it('names one home at most', () => {
    const extra = [homeMember(3), homeMember(4)];
    expect(() => new TestLedger({ extra })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }) as Error,
    );
  });
});
