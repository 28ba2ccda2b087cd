import { describe, expect, it } from 'vitest';
import { parseEntry } from '@countersign/binding';
import { canonicalBytes } from '@countersign/canonical';
import { jsonOf } from '../src/json-bytes.ts';
import { TestLedger } from './test-ledger.ts';

describe('the rules of a log', () => {
  it('are those of its founding, and the newest for a ledger that is founded now', () => {
    expect(new TestLedger().state.rules).toBe(2);
    expect(new TestLedger({ rules: 1 }).state.rules).toBe(1);
  });

  it('are told by a snapshot, and by the digest of its state', async () => {
    for (const rules of [1, 2] as const) {
      const ledger = new TestLedger({ rules, limits: { stateCommitEvery: 1 } });
      await ledger.request();
      const parts = ledger.state.takeCommitted()?.parts;
      expect(parts?.rules).toBe(rules === 1 ? undefined : 2);
    }
  });

  it('are refused when no build of this version knows them', () => {
    const entry = { ...new TestLedger().founding(), rules_version: 3 };
    const bytes = canonicalBytes(jsonOf(entry));
    expect(() => parseEntry(bytes)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }) as Error,
    );
  });
});
