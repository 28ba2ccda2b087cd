import { describe, expect, it } from 'vitest';
import { actionLines } from '../src/commands/show.ts';
import type { ActionView } from '@countersign/sdk';

const PERSON = 'prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2';
const PRINCIPAL = 'prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P3';

function decided(rationale: string | null, erased: boolean): ActionView {
  return {
    action_id: '01JD3ZQ5Y0W9V8X7T6S5R4Q3P2',
    status: 'used',
    last_index: 12,
    code: null,
    type: 'generic.command',
    erased,
    decisions: [{ person: PERSON, verdict: 'approve', rationale }],
    entries: [
      { index: 9, type: 'binding-made', at: '2026-01-31T12:00:00.000Z' },
      { index: 12, type: 'binding-used', at: '2026-01-31T12:00:00.000Z' },
    ],
  };
}

describe('what show tells', () => {
  it.each([
    { rationale: 'looks right', erased: false, words: '"looks right"' },
    { rationale: '', erased: false, words: 'no reason' },
    { rationale: null, erased: true, words: 'reason erased' },
    { rationale: null, erased: false, words: 'reason not here' },
  ])('of a reason: $words', ({ rationale, erased, words }) => {
    expect(actionLines(decided(rationale, erased))).toContain(`  approved by ${PERSON}: ${words}`);
  });

  it('of a decision: in whose place it was, and how long its device says that it took', () => {
    const view = decided('looks right', false);
    const by = { person: PERSON, verdict: 'approve', rationale: 'looks right' };
    const told = { ...by, for: PRINCIPAL, claimed_dwell_ms: 12_345 };
    expect(actionLines({ ...view, decisions: [told] })).toContain(
      `  approved by ${PERSON} in the place of ${PRINCIPAL}, shown for 12 seconds as the device claims: "looks right"`,
    );
  });

  it('in columns that stand below each other', () => {
    const [, type = '', , ninth = '', twelfth = ''] = actionLines(decided('ok', false));
    const column = type.indexOf('generic.command');
    expect([ninth, twelfth].map((line) => line.indexOf('2026'))).toEqual([column, column]);
  });
});
