import { describe, expect, it } from 'vitest';
import type { JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  admittedReview,
  pin,
  TENANT,
  type ReviewJson,
} from '../../console/test/admitted-review.ts';
import { reviewHere } from '../src/checked-review.ts';
import { reviewLines } from '../src/review-lines.ts';

async function reviewed(spoil: (json: ReviewJson) => JsonObject = (json) => json): Promise<string> {
  const { actionId, json } = await admittedReview();
  const here = { tenant: TENANT, pin: { ...pin, verifySignature } };
  const client = { getObject: () => Promise.resolve(spoil(json)) };
  const { checked, decisions } = await reviewHere(actionId, { ...here, client });
  const nowMs = Date.parse(checked.admission.at);
  return reviewLines(checked, { decisions, nowMs }).join('\n');
}

describe('what a terminal shows', () => {
  it('is what the action says, with each line of the display', async () => {
    const text = await reviewed();
    for (const part of ['WHAT WILL BE DONE', 'WHAT THE AGENT CLAIMS', 'COMPUTED ON THIS MACHINE']) {
      expect(text).toContain(part);
    }
    expect(text).toMatch(/Action: Run a command \(generic.command v1\)/);
  });

  it('A13: begins with the worst that a grant can come to', async () => {
    const { actionId, json } = await admittedReview();
    const here = { tenant: TENANT, pin: { ...pin, verifySignature } };
    const client = { getObject: () => Promise.resolve(json) };
    const { checked, decisions } = await reviewHere(actionId, { ...here, client });
    const sum = { label: 'In all at most', value: '1 500.00 EUR (Euro)' };
    const display = { ...checked.display, type: 'payment.grant', lines: [sum], warnings: ['!!'] };
    const text = reviewLines({ ...checked, display }, { decisions, nowMs: 0 }).join('\n');
    const [worst, closely] = ['AT WORST\n  ! At worst this', 'LOOK CLOSELY'].map((part) =>
      text.indexOf(part),
    );
    expect(worst).toBeGreaterThan(0);
    expect(closely).toBeGreaterThan(worst ?? 0);
  });

  it('has, beside what is signed, what another policy would change', async () => {
    const { actionId, json } = await admittedReview();
    const here = { tenant: TENANT, pin: { ...pin, verifySignature } };
    const client = { getObject: () => Promise.resolve(json) };
    const { checked, decisions } = await reviewHere(actionId, { ...here, client });
    const lines = [
      { label: 'rule usual: approvals', value: '2 → 1' },
      { label: 'rule glass', value: '{}', mark: 'added' as const },
      { label: 'group duty', value: 'prs_1', mark: 'removed' as const },
    ];
    const at = '2026-11-23T12:00:00.000Z';
    const textOf = (changed: typeof lines): string =>
      reviewLines(checked, {
        ...{ decisions, nowMs: 0 },
        change: { index: 4, at, lines: changed },
      }).join('\n');
    expect(textOf(lines)).toContain(
      `WHAT CHANGES AGAINST THE POLICY IN FORCE
  which entry 4 has set at 2026-11-23 12:00:00 UTC; that none was set since, the ledger says
    rule usual: approvals: 2 → 1
  + rule glass: {}
  - group duty: prs_1
`,
    );
    expect(textOf([])).toContain('  nothing: it is the same policy');
  });

  const lies: readonly (readonly [code: string, spoil: (json: ReviewJson) => JsonObject])[] = [
    [
      'ACTION_DIGEST_MISMATCH',
      (json) => ({ ...json, action: json.action.replace('/usr', '/tmp') }),
    ],
    ['DISPLAY_MISMATCH', (json) => ({ ...json, display: { ...json.display, warnings: ['calm'] } })],
    ['DISPLAY_MISMATCH', (json) => ({ ...json, display: { ...json.display, title: 'Nothing' } })],
    ['POLICY_MISMATCH', (json) => ({ ...json, policy: null })],
    [
      'ADMISSION_MISMATCH',
      ({ admission, ...json }) => ({
        ...json,
        admission: { ...admission, entry: { ...admission.entry, text: '{}' } },
      }),
    ],
    [
      'NOT_LOGGED',
      ({ admission, ...json }) => ({
        ...json,
        admission: { ...admission, entry: { ...admission.entry, index: 0 } },
      }),
    ],
    ['ANSWER_INVALID', (json) => ({ ...json, admission: null })],
  ];
  it.each(lies)('E01: is nothing when the server lies (%s)', async (code, spoil) => {
    await expect(reviewed(spoil)).rejects.toMatchObject({ code });
  });
});
