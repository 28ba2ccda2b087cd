import { expect, it } from 'vitest';
import { vectorOutcome } from './testing/vector-outcome.ts';

it.each(['change-replayed', 'change-reordered'])(
  'F03: a change of the authority is not carried out by the approvals of an earlier time: %s',
  async (name) => {
    expect(await vectorOutcome('invalid', name)).toBe('AUTHORITY_CHAIN_INVALID');
  },
);
