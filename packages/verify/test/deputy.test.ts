import { describe, expect, it } from 'vitest';
import { DEPUTY_CASES, FALSE_DEPUTY_CASES } from './testing/deputy-cases.ts';
import { vectorOutcome } from './testing/vector-outcome.ts';

describe('evidence of what a deputy has approved', () => {
  it.each(DEPUTY_CASES)('is VALID, by its vector: $name', async ({ name }) => {
    expect(await vectorOutcome('valid', name)).toBe('VALID');
  });

  it.each(FALSE_DEPUTY_CASES)('D12: is not VALID, by its vector: $name', async ({ name, code }) => {
    expect(await vectorOutcome('invalid', name)).toBe(code);
  });
});
