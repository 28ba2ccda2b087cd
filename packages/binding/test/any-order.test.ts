import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntry, type Entry, type InputKind } from '@countersign/binding';
import { TestLedger } from './test-ledger.ts';

interface Sent {
  readonly kind: InputKind;
  readonly bytes: Uint8Array;
}

const ENDS = new Set(['request-denied', 'request-expired', 'binding-made', 'binding-revoked']);

/** All that could be sent about three actions, made on a ledger that then is thrown away. */
async function inputs(): Promise<{ founder: TestLedger; sent: readonly Sent[] }> {
  const founder = new TestLedger({ approvals: 2 });
  const sent: Sent[] = [];
  for (let i = 0; i < 3; i += 1) {
    const envelope = founder.envelope();
    sent.push({ kind: 'request', bytes: founder.requestFrame(envelope) });
    const asked = await founder.request(envelope);
    for (const person of [founder.alice, founder.bob]) {
      for (const verdict of ['approve', 'deny', 'revoke'] as const) {
        const bytes = founder.decisionFrame(person, asked, { verdict });
        if (verdict === 'approve' || i > 0) sent.push({ kind: 'decision', bytes });
      }
    }
  }
  sent.push({ kind: 'tick', bytes: new Uint8Array(0) });
  return { founder, sent };
}

function endsOf(entries: readonly Entry[], actionId: string): string[] {
  return entries
    .filter((entry) => ENDS.has(entry.type) && 'action_id' in entry && entry.action_id === actionId)
    .map(({ type }) => type);
}

function assertSound(ledger: TestLedger): void {
  const entries = ledger.log.map(({ entry }) => entry);
  for (const { entry: admitted } of ledger.entries('request-admitted')) {
    const ends = endsOf(entries, admitted.action_id);
    // The first end stays; only a binding may still be revoked.
    if (ends.length > 1) expect(ends).toEqual(['binding-made', 'binding-revoked']);
  }
  for (const { entry: binding, index } of ledger.entries('binding-made')) {
    const accepted = entries
      .slice(0, index)
      .filter(
        (entry) =>
          entry.type === 'decision-accepted' &&
          entry.action_id === binding.action_id &&
          entry.statement.verdict === 'approve',
      );
    expect(accepted.length).toBeGreaterThanOrEqual(binding.requirement.approvals);
    const persons = new Set(binding.decisions.map(({ person }) => person));
    expect(persons.size).toBeGreaterThanOrEqual(binding.requirement.approvals);
  }
}

describe('inputs in any order and any number', () => {
  it('never bind twice, nor without enough persons, nor change an end; a replay agrees', async () => {
    const { founder, sent } = await inputs();
    const choice = fc.record({
      index: fc.nat(sent.length - 1),
      passMs: fc.constantFrom(0, 0, 0, 1_000, 61_000, 900_001),
    });
    let bindings = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(choice, { minLength: 1, maxLength: 40 }), async (steps) => {
        const ledger = TestLedger.twinOf(founder, { stateCommitEvery: 5 });
        for (const { index, passMs } of steps) {
          const each = sent[index];
          ledger.nowMs += passMs;
          if (each !== undefined) await ledger.submit(each.kind, each.bytes);
        }
        assertSound(ledger);
        bindings += ledger.entries('binding-made').length;
        const state = ledger.emptyState();
        for (const { bytes, index, leaf } of ledger.log) {
          state.evolve(parseEntry(bytes), { index, leaf });
        }
        expect(state.stateDigest()).toBe(ledger.state.stateDigest());
      }),
      { numRuns: 60 },
    );
    expect(bindings).toBeGreaterThan(0);
  }, 30_000);
});
