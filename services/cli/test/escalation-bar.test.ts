import { DEFAULT_BOOTSTRAP, requirementOf, type RuleInForce } from '@countersign/binding';
import type { CheckedReview } from '@countersign/console';
import { describe, expect, it } from 'vitest';
import { admittedReview, pin, TENANT } from '../../console/test/admitted-review.ts';
import { reviewHere } from '../src/checked-review.ts';
import { assertMayDecide } from '../src/decision.ts';
import type { PersonAccess } from '../src/person-access.ts';
import { reviewLines } from '../src/review-lines.ts';
import { verifySignature } from '@countersign/crypto-node';

const FIRST = 'prs_01M83T4CM00000000000000001';
const SECOND = 'prs_01M83T4CM00000000000000002';
const DUE = '2026-11-23T12:03:00.000Z';
const DUE_MS = Date.parse(DUE);

/** One person decides, and after three minutes another one does. */
async function escalating(): Promise<CheckedReview> {
  const { actionId, json } = await admittedReview();
  const here = { tenant: TENANT, pin: { ...pin, verifySignature } };
  const client = { getObject: () => Promise.resolve(json) };
  const { checked } = await reviewHere(actionId, { ...here, client });
  const rule: RuleInForce = {
    ...DEFAULT_BOOTSTRAP,
    approvers: [FIRST],
    escalation: { after_s: 180, approvers: [SECOND] },
  };
  const admission = { ...checked.admission, requirement: requirementOf(rule), escalates_at: DUE };
  return { ...checked, admission };
}

/** Of somebody who signs with a security key. */
function accessOf(person: string): PersonAccess {
  const key = { parsed: { application: 'ssh:' } };
  return { person, key } as unknown as PersonAccess;
}

async function decides(person: string, nowMs: number, deputies: object[] = []): Promise<void> {
  const standing = { status: 'pending', deputies: deputies as never, nowMs };
  assertMayDecide(await escalating(), standing, accessOf(person));
}

describe('whoever could decide what nobody else has', () => {
  it('is told from when, and is let in from then on', async () => {
    await expect(decides(SECOND, DUE_MS - 1)).rejects.toMatchObject({
      code: 'NOT_ELIGIBLE',
      message: expect.stringContaining('by 2026-11-23 12:03:00 UTC, you can') as string,
    });
    await expect(decides(SECOND, DUE_MS)).resolves.toBeUndefined();
    await expect(decides(FIRST, 0)).resolves.toBeUndefined();
    const stranger = 'prs_01M83T4CM00000000000000003';
    await expect(decides(stranger, DUE_MS)).rejects.toMatchObject({
      code: 'NOT_ELIGIBLE',
      message: expect.stringContaining('other persons') as string,
    });
    const { action_type: type } = (await escalating()).admission;
    const lent = { principal: SECOND, deputy: stranger, types: [type.name] };
    await expect(decides(stranger, DUE_MS, [lent])).resolves.toBeUndefined();
    await expect(decides(stranger, DUE_MS - 1, [lent])).rejects.toMatchObject({
      code: 'NOT_ELIGIBLE',
    });
  });

  it('stands in what a person reads before they decide', async () => {
    const text = reviewLines(await escalating(), { decisions: [], nowMs: 0 }).join('\n');
    expect(text).toContain(`if it is still open after 3 minutes, also ${SECOND}`);
    expect(text).toContain('which is at 2026-11-23 12:03:00 UTC');
  });
});
