import { describe, expect, it } from 'vitest';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { batchItemOf, type Batch, type BatchItem, type CedarPolicy } from '../src/index.ts';
import { payment, policyOf } from './test-documents.ts';
import { TestLedger, type Bound } from './test-ledger.ts';

const TYPE = 'batch.payment.transfer';
const DESCRIPTOR = BUILTIN_DESCRIPTORS.find(({ type }) => type === TYPE);
function items(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, i) => ({ params: payment(`${i + 1}.50`) }));
}

function batchLedger(): TestLedger {
  return new TestLedger({
    policy: policyOf(1, { types: ['payment.transfer', TYPE], max_uses: 1 }),
  });
}

function envelope(ledger: TestLedger, all: JsonObject[], order = 'any'): JsonObject {
  return ledger.envelope({
    type: TYPE,
    params: { order, items: all },
    max_uses: all.length,
    not_after: formatTimestamp(ledger.nowMs + 600_000),
  });
}

async function approved(
  order: 'any' | 'listed' = 'any',
  count = 20,
): Promise<{ ledger: TestLedger; bound: Bound; batch: Batch }> {
  const ledger = batchLedger();
  const bound = await ledger.bound(envelope(ledger, items(count), order));
  const { batch } = bound.binding.entry;
  if (batch === undefined) throw new Error('expected a batch');
  return { ledger, bound, batch };
}

function itemOf({ action }: Pick<Bound, 'action'>, index: number): BatchItem {
  if (DESCRIPTOR === undefined) throw new Error('expected the type of a batch');
  return batchItemOf(DESCRIPTOR, action, index);
}

function claimOf(ledger: TestLedger, bound: Bound, item: BatchItem): JsonObject {
  return ledger.useClaim(bound, {
    v: 'countersign.use.v3',
    item: { ...item, path: [...item.path] },
  });
}

describe('a batch of what is approved by typing its end', () => {
  it('E09: is NO_POLICY, where the rule of its items has one, and one of them alone is admitted', async () => {
    const rest = Object.fromEntries(
      Object.entries(policyOf(1).rules[0] ?? {}).filter(([name]) => name !== 'types'),
    );
    const confirm = { field: '/creditor/account', last: 4 };
    const policy = {
      v: 'countersign.policy.v3',
      cedar: `@id("batch") @rule("of-batch")
permit (principal, action == Action::"ask", resource is batch::payment::transfer_v1);
@id("one") @rule("typed")
permit (principal, action == Action::"ask", resource is payment::transfer_v1);
`,
      groups: {},
      rules: [
        { ...rest, id: 'of-batch' },
        { ...rest, id: 'typed', confirm },
      ],
    } as unknown as CedarPolicy;
    const ledger = new TestLedger({ policy });
    const batch = ledger.requestFrame(envelope(ledger, items(2)));
    expect(await ledger.submit('request', batch)).toMatchObject({ code: 'NO_POLICY' });
    const one = ledger.envelope({ type: 'payment.transfer', params: payment('1.50') });
    expect((await ledger.request(one)).admission.entry.requirement).toMatchObject({ confirm });
  });
});

describe('a batch that was approved once', () => {
  it('A12: freezes root, count and order in the admission and in the binding', async () => {
    const { bound, batch } = await approved();
    expect(batch).toEqual({ root: itemOf(bound, 0).root, count: 20, order: 'any' });
    expect(bound.admission.entry.batch).toEqual(batch);
    expect(bound.binding.entry.max_uses).toBe(20);
  });

  it('A12: lets each item run once, in any order, and none of them again', async () => {
    const { ledger, bound } = await approved();
    for (const index of [19, 0, 7]) {
      const outcome = await ledger.use(claimOf(ledger, bound, itemOf(bound, index)));
      expect(outcome).toEqual({ status: 'accepted' });
    }
    const first = ledger.entries('binding-used')[0]?.entry.use_id;
    const again = await ledger.use(claimOf(ledger, bound, itemOf(bound, 19)));
    expect(again).toEqual({ status: 'refused', code: 'ALREADY_CONSUMED' });
    expect(ledger.last('use-refused').entry.first_use).toBe(first);
  });

  it('A12: refuses a 21st item, a replaced one, one at another place, and a claim of none', async () => {
    const { ledger, bound, batch } = await approved();
    const grown = await batchLedger().request(envelope(ledger, items(21)));
    const own = itemOf(bound, 3);
    const strange: JsonObject[] = [
      { ...itemOf(grown, 20) },
      { ...itemOf(grown, 20), root: batch.root },
      { ...own, digest: itemOf(grown, 20).digest },
      { ...own, index: 4 },
      { ...own, path: own.path.slice(1) },
      { ...own, root: itemOf(grown, 20).root },
    ];
    for (const item of strange) {
      const claim = ledger.useClaim(bound, { v: 'countersign.use.v3', item });
      expect(await ledger.use(claim)).toEqual({ status: 'refused', code: 'NOT_IN_BATCH' });
    }
    const without = await ledger.use(ledger.useClaim(bound));
    expect(without).toEqual({ status: 'refused', code: 'NOT_IN_BATCH' });
    expect(ledger.entries('binding-used')).toHaveLength(0);
  });

  it('A12: refuses an item under an approval of a single action', async () => {
    const { ledger, bound } = await approved();
    const single = await ledger.bound(
      ledger.envelope({ type: 'payment.transfer', params: payment('5.00') }),
    );
    const claim = claimOf(ledger, single, itemOf(bound, 0));
    expect(await ledger.use(claim)).toEqual({ status: 'refused', code: 'NOT_IN_BATCH' });
  });

  it('C16: holds back the item whose outcome nobody knows, and no other', async () => {
    const { ledger, bound } = await approved();
    const first = claimOf(ledger, bound, itemOf(bound, 0));
    await ledger.use(first);
    await ledger.submitReport(ledger.report(first, { result: 'unknown' }));
    const again = await ledger.use(claimOf(ledger, bound, itemOf(bound, 0)));
    expect(again).toEqual({ status: 'refused', code: 'OUTCOME_UNKNOWN' });
    expect(await ledger.use(claimOf(ledger, bound, itemOf(bound, 1)))).toEqual({
      status: 'accepted',
    });
  });

  it.each<[string, JsonObject[], number]>([
    ['MONEY_FORMAT', [{ params: payment('1.5') }], 1],
    ['UNKNOWN_MEMBER', [{ params: { ...payment('1.50'), urgent: true } }], 1],
    ['SCHEMA_INVALID', [], 1],
    ['SCHEMA_INVALID', items(2), 3],
    ['LIMIT_EXCEEDED', items(65), 65],
  ])('A12: is not admitted with items that are none: %s', async (code, all, uses) => {
    const ledger = batchLedger();
    const frame = ledger.requestFrame({ ...envelope(ledger, all), max_uses: uses });
    expect(await ledger.submit('request', frame)).toEqual({ status: 'refused', code });
  });

  it('is never looser than its items: both rules join, and both have to be there', async () => {
    const [rule] = policyOf(1, {}).rules;
    if (rule === undefined) throw new Error('expected a rule');
    const single = { ...rule, id: 'single', types: ['payment.transfer'], use_within_s: 60 };
    const many = { ...rule, id: 'many', types: [TYPE], approvals: 2 };
    const both = new TestLedger({ policy: { v: 'countersign.policy.v1', rules: [single, many] } });
    const { admission } = await both.request(envelope(both, items(3)));
    expect(admission.entry.requirement).toMatchObject({ rule: 'many+single', approvals: 2 });
    expect(admission.entry).toMatchObject({ use_within_s: 60, max_uses: 3 });
    for (const only of [single, many]) {
      const ledger = new TestLedger({ policy: { v: 'countersign.policy.v1', rules: [only] } });
      const frame = ledger.requestFrame(envelope(ledger, items(3)));
      expect(await ledger.submit('request', frame)).toEqual({
        status: 'refused',
        code: 'NO_POLICY',
      });
    }
  });
});

describe('a plan', () => {
  it('A16: lets a step run only after the one before it has succeeded', async () => {
    const { ledger, bound } = await approved('listed', 3);
    const step = (index: number): JsonObject => claimOf(ledger, bound, itemOf(bound, index));
    expect(await ledger.use(step(1))).toEqual({ status: 'refused', code: 'PLAN_ORDER' });
    const first = step(0);
    expect(await ledger.use(first)).toEqual({ status: 'accepted' });
    expect(await ledger.use(step(1))).toEqual({ status: 'refused', code: 'PLAN_ORDER' });
    expect(ledger.last('use-refused').entry.first_use).toBe(first['use_id']);
    await ledger.submitReport(ledger.report(first));
    expect(await ledger.use(step(1))).toEqual({ status: 'accepted' });
  });

  it.each(['failed', 'unknown'])('A16: is stopped by a step that is %s', async (result) => {
    const { ledger, bound } = await approved('listed', 3);
    const first = claimOf(ledger, bound, itemOf(bound, 0));
    await ledger.use(first);
    await ledger.submitReport(ledger.report(first, { result }));
    const code = result === 'unknown' ? 'OUTCOME_UNKNOWN' : 'PLAN_ORDER';
    const next = (): Promise<unknown> => ledger.use(claimOf(ledger, bound, itemOf(bound, 1)));
    expect(await next()).toEqual({ status: 'refused', code });
    if (result === 'failed') return;
    await ledger.submitReport(ledger.report(first));
    expect(await next()).toEqual({ status: 'accepted' });
  });

  it('A16: that grew, or changed a step, is another plan: PLAN_DIGEST_MISMATCH', async () => {
    const { ledger, bound } = await approved('listed', 3);
    const changed = [...items(2), { params: payment('9.99') }];
    for (const all of [items(4), changed, items(2)]) {
      const other = await batchLedger().request(envelope(ledger, all, 'listed'));
      const claim = claimOf(ledger, bound, itemOf(other, 0));
      expect(await ledger.use(claim)).toEqual({
        status: 'refused',
        code: 'PLAN_DIGEST_MISMATCH',
      });
    }
  });

  it('is remembered by the fold byte for byte', async () => {
    const { ledger, bound } = await approved('listed', 3);
    const first = claimOf(ledger, bound, itemOf(bound, 0));
    await ledger.use(first);
    await ledger.submitReport(ledger.report(first));
    const replayed = ledger.emptyState();
    for (const placed of ledger.log) replayed.evolve(placed.entry, placed);
    expect(replayed.action(bound.admission.entry.action_id)).toMatchObject({
      batch: { count: 3, order: 'listed' },
      uses: [{ item: 0, isDone: true }],
    });
    expect(replayed.stateDigest()).toBe(ledger.state.stateDigest());
  });
});
