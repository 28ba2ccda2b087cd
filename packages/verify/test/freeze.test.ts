import { describe, expect, it } from 'vitest';
import { FALSE_FREEZE_CASES, FREEZE_CASES } from './testing/freeze-cases.ts';
import { vectorOutcome } from './testing/vector-outcome.ts';

describe('evidence of a ledger that was frozen', () => {
  it.each(FREEZE_CASES)('is VALID, by its vector: $name', async ({ name }) => {
    expect(await vectorOutcome('valid', name)).toBe('VALID');
  });

  it.each(FALSE_FREEZE_CASES)('F10: is not VALID, by its vector: $name', async ({ name, code }) => {
    expect(await vectorOutcome('invalid', name)).toBe(code);
  });
});
