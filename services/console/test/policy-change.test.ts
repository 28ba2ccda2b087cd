import { DEFAULT_POLICY, encodeEntry, leafOf } from '@countersign/binding';
import { fromUtf8, type Json } from '@countersign/canonical';
import { checkReview, parseReview, policyChange, type CheckedReview } from '@countersign/console';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  admittedReview,
  founding,
  pin,
  receiptOf,
  TENANT,
  type ReviewJson,
} from './admitted-review.ts';

const [RULE] = DEFAULT_POLICY.rules;

let command: CheckedReview;
let asked: CheckedReview;
let founded: ReviewJson['admission'];

beforeAll(async () => {
  const { actionId, json } = await admittedReview();
  command = await checkReview(parseReview(json), { actionId, tenant: TENANT, pin });
  asked = setting({ ...DEFAULT_POLICY, rules: [{ ...RULE, max_uses: 7 }] });
  const genesis = encodeEntry(founding());
  const entry = { index: 0, leaf: leafOf(genesis), text: fromUtf8(genesis) };
  founded = { entry, receipt: await receiptOf([genesis], 0) };
});

function bare(): object {
  return Object.fromEntries(Object.entries(RULE ?? {}).filter(([name]) => name !== 'types'));
}

/** The same request, were it one for this policy. */
function setting(policy: object): CheckedReview {
  const { action } = command;
  const params = { change: { kind: 'policy-set', policy } as unknown as Json };
  const envelope = { ...action.envelope, type: 'authority.change', params };
  return { ...command, action: { ...action, envelope } };
}

async function told(
  checked: CheckedReview,
  entries: Json[],
  tenant = TENANT,
): ReturnType<typeof policyChange> {
  const get = (path: string): Promise<Json> => {
    expect(path).toBe('/v1/policies?limit=1&proofs=1');
    return Promise.resolve({ proofs: { size: 1, entries } });
  };
  return policyChange(checked, { pin, tenant, get });
}

describe('what another policy would change', () => {
  it('is compared with the policy that the log says is in force', async () => {
    const change = await told(asked, [founded]);
    expect(change).toEqual({
      index: 0,
      at: founding().at,
      lines: [{ label: 'rule default: max_uses', value: '1 → 7' }],
    });
    expect((await told(setting(DEFAULT_POLICY), [founded]))?.lines).toEqual([]);
  });

  it('B09: writes out what cannot be seen, as what is signed for does', async () => {
    const cedar =
      '// kept\r@id("all") @rule("default") permit (principal, action, resource); // \u202e';
    const policy = { v: 'countersign.policy.v3', cedar, groups: {}, rules: [bare()] };
    const values = (await told(setting(policy), [founded]))?.lines.map(({ value }) => value);
    expect(values).toContain('// kept⟨U+000D⟩');
    expect(values).toContain(
      '@id("all") @rule("default") permit (principal, action, resource); // ⟨U+202E⟩',
    );
  });

  it('is nothing of any other request, and then nobody is asked', async () => {
    const get = (): Promise<Json> => Promise.reject(new Error('asked'));
    expect(await policyChange(command, { pin, tenant: TENANT, get })).toBeUndefined();
  });

  it('is compared with nothing that the log does not hold', async () => {
    const { entry, receipt } = founded;
    const text = entry.text.replace('"max_uses":1', '"max_uses":7');
    const forged = { entry: { ...entry, text }, receipt };
    await expect(told(asked, [forged])).rejects.toMatchObject({ code: 'ADMISSION_MISMATCH' });
    const { json } = await admittedReview();
    await expect(told(asked, [json.admission])).rejects.toMatchObject({ code: 'POLICY_MISMATCH' });
    await expect(told(asked, [founded], 'other')).rejects.toMatchObject({
      code: 'POLICY_MISMATCH',
    });
    await expect(told(asked, [])).rejects.toMatchObject({ code: 'ANSWER_FORMAT' });
  });
});
