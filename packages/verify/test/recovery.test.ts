import { describe, expect, it } from 'vitest';
import { FALSE_RECOVERY_CASES, RECOVERY_CASES } from './testing/recovery-cases.ts';
import { vectorOutcome } from './testing/vector-outcome.ts';

describe('evidence of a ledger that has recovered somebody', () => {
  it.each(RECOVERY_CASES)('is VALID, by its vector: $name', async ({ name }) => {
    expect(await vectorOutcome('valid', name)).toBe('VALID');
  });

  it.each(FALSE_RECOVERY_CASES)(
    'D13: is not VALID, by its vector: $name',
    async ({ name, code }) => {
      expect(await vectorOutcome('invalid', name)).toBe(code);
    },
  );
});
