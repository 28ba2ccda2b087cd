import { describe, expect, it } from 'vitest';
import { ESCALATION_CASES, FALSE_ESCALATION_CASES } from './testing/escalation-cases.ts';
import { vectorOutcome } from './testing/vector-outcome.ts';

describe('evidence of what went on to a second group', () => {
  it.each(ESCALATION_CASES)('is VALID, by its vector: $name', async ({ name }) => {
    expect(await vectorOutcome('valid', name)).toBe('VALID');
  });

  it.each(FALSE_ESCALATION_CASES)(
    'D11: is not VALID, by its vector: $name',
    async ({ name, code }) => {
      expect(await vectorOutcome('invalid', name)).toBe(code);
    },
  );
});
