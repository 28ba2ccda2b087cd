import { describe, expect, it } from 'vitest';
import { decisionDigest, statementOf } from '../src/index.ts';
import { TestLedger } from './test-ledger.ts';

describe('for how long it was shown', () => {
  it('D15: is in the decision and in its binding, as who decided has signed it', async () => {
    const ledger = new TestLedger({ approvals: 2 });
    const asked = await ledger.request();
    await ledger.decide(ledger.alice, asked, { statement: { claimed_dwell_ms: 400 } });
    await ledger.decide(ledger.bob, asked);
    const made = ledger.entries('decision-accepted').map(({ entry }) => entry.statement);
    expect(made.map((each) => each.claimed_dwell_ms)).toEqual([400, undefined]);
    const { entry } = ledger.last('binding-made');
    expect(entry.decisions.map((each) => each.claimed_dwell_ms)).toEqual([400, undefined]);
    // So whoever has the binding alone has what was signed.
    const signed = entry.decisions.map((each) => decisionDigest(statementOf(entry, each)));
    expect(signed).toEqual(made.map(decisionDigest));
  });

  it('D15: is nothing that whoever carries the decision can change: ASSERTION_INVALID', async () => {
    const ledger = new TestLedger();
    const asked = await ledger.request();
    const frame = ledger.decisionFrame(ledger.alice, asked, {
      statement: { claimed_dwell_ms: 400 },
    });
    const text = Buffer.from(frame).toString();
    for (const other of ['"claimed_dwell_ms":60000', '"claimed_dwell_ms":401']) {
      const forged = text.replace('"claimed_dwell_ms":400', other);
      expect(forged).not.toBe(text);
      expect(await ledger.submit('decision', Buffer.from(forged))).toMatchObject({
        ...{ status: 'quarantined', code: 'ASSERTION_INVALID' },
      });
    }
  });
});
