import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp, type JsonObject } from '@countersign/canonical';
import { violatedBound } from '@countersign/descriptors';
import { LedgerState } from '../src/index.ts';
import { policyOf } from './test-documents.ts';
import { TestLedger, type Bound } from './test-ledger.ts';

const PARAMS: JsonObject = {
  debtor_account: 'DE89370400440532013000',
  creditor: { name: 'Nordlicht GmbH', account: 'AT611904300234573201', country: 'AT' },
  currency: 'EUR',
  amount_min: '0.01',
  amount_max: '500.00',
  remittance: 'Parcels of the week',
};

function grantLedger(): TestLedger {
  return new TestLedger({ policy: policyOf(1, { types: ['payment.grant'], max_uses: 3 }) });
}

function envelope(ledger: TestLedger, params: JsonObject = {}): JsonObject {
  return ledger.envelope({
    type: 'payment.grant',
    params: { ...PARAMS, ...params },
    max_uses: 3,
    not_after: formatTimestamp(ledger.nowMs + 600_000),
  });
}

function claimOf(ledger: TestLedger, bound: Bound, chosen: JsonObject): JsonObject {
  return ledger.useClaim(bound, { v: 'countersign.use.v2', chosen });
}

async function granted(): Promise<{ ledger: TestLedger; bound: Bound }> {
  const ledger = grantLedger();
  return { ledger, bound: await ledger.bound(envelope(ledger)) };
}

describe('a bounded approval', () => {
  it('A13: freezes its bounds in the admission and in the binding', async () => {
    const { bound } = await granted();
    const bounds = [{ name: 'amount', kind: 'money', min: '0.01', max: '500.00' }];
    expect(bound.admission.entry.bounds).toEqual(bounds);
    expect(bound.binding.entry.bounds).toEqual(bounds);
  });

  it.each([
    ['amount', { amount: '500.01' }],
    ['amount', { amount: '0.00' }],
    ['amount', { amount: '-5.00' }],
    ['amount', { amount: '5' }],
    ['amount', { amount: '5.000' }],
    ['amount', { amount: '1e2' }],
    ['amount', { amount: '05.00' }],
    ['amount', {}],
    ['currency', { amount: '5.00', currency: 'USD' }],
  ])('A13: refuses a use: CONSTRAINT_VIOLATED(%s) of %j', async (constraint, chosen) => {
    const { ledger, bound } = await granted();
    expect(await ledger.use(claimOf(ledger, bound, chosen))).toEqual({
      status: 'refused',
      code: 'CONSTRAINT_VIOLATED',
    });
    expect(ledger.last('use-refused').entry.constraint).toBe(constraint);
    expect(ledger.entries('binding-used')).toHaveLength(0);
  });

  it('A13: passes exactly at each limit, three times and at the last moment, and not once more', async () => {
    const { ledger, bound } = await granted();
    for (const amount of ['0.01', '500.00']) {
      expect(await ledger.use(claimOf(ledger, bound, { amount }))).toEqual({ status: 'accepted' });
    }
    ledger.nowMs = Date.parse(bound.binding.entry.use_by);
    const last = claimOf(ledger, bound, { amount: '12.50' });
    expect(await ledger.use(last)).toEqual({ status: 'accepted' });
    expect(ledger.last('binding-used').entry.claim).toContain('"chosen":{"amount":"12.50"}');
    const fourth = await ledger.use(claimOf(ledger, bound, { amount: '12.50' }));
    expect(fourth).toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
    expect(ledger.last('use-refused').entry.constraint).toBe('max_uses');
  });

  it('A13: refuses a use a second after its end: CONSTRAINT_VIOLATED(use_by)', async () => {
    const { ledger, bound } = await granted();
    ledger.nowMs = Date.parse(bound.binding.entry.use_by) + 1_000;
    const late = await ledger.use(claimOf(ledger, bound, { amount: '1.00' }));
    expect(late).toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
    expect(ledger.last('use-refused').entry.constraint).toBe('use_by');
  });

  it('A13: refuses a claim without values, and one with values where there is nothing to choose', async () => {
    const { ledger, bound } = await granted();
    expect(await ledger.use(ledger.useClaim(bound))).toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
    const plain = new TestLedger();
    const claim = claimOf(plain, await plain.bound(), { amount: '1.00' });
    expect(await plain.use(claim)).toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
    expect(plain.last('use-refused').entry.constraint).toBe('chosen');
  });

  it.each([
    ['MONEY_FORMAT', { amount_min: '0.1' }],
    ['MONEY_FORMAT', { amount_min: '0.00' }],
    ['SCHEMA_INVALID', { amount_min: '500.01' }],
    ['SCHEMA_INVALID', { currency: 'USD' }],
  ])('A13: is not admitted with bounds that are none: %s', async (code, params) => {
    const ledger = grantLedger();
    const frame = ledger.requestFrame(envelope(ledger, params));
    expect(await ledger.submit('request', frame)).toEqual({ status: 'refused', code });
  });

  it('A13: is capped by its rule', async () => {
    const ledger = grantLedger();
    const bound = await ledger.bound({ ...envelope(ledger), max_uses: 100 });
    expect(bound.admission.entry.max_uses).toBe(3);
  });

  it('C16: waits while nobody knows what came of one use, until a later report says it', async () => {
    const { ledger, bound } = await granted();
    const first = claimOf(ledger, bound, { amount: '1.00' });
    await ledger.use(first);
    await ledger.submitReport(ledger.report(first, { result: 'unknown' }));
    const next = (): Promise<unknown> => ledger.use(claimOf(ledger, bound, { amount: '2.00' }));
    expect(await next()).toEqual({ status: 'refused', code: 'OUTCOME_UNKNOWN' });
    expect(ledger.last('use-refused').entry.first_use).toBe(first['use_id']);
    expect(await ledger.submitReport(ledger.report(first))).toEqual({ status: 'accepted' });
    expect(await next()).toEqual({ status: 'accepted' });
    const third = await ledger.submitReport(ledger.report(first, { result: 'failed' }));
    expect(third).toMatchObject({ code: 'REPORT_CONFLICT' });
  });

  it('is remembered by the fold byte for byte, without its content', async () => {
    const { ledger, bound } = await granted();
    const claim = claimOf(ledger, bound, { amount: '1.00' });
    await ledger.use(claim);
    await ledger.submitReport(ledger.report(claim, { result: 'unknown' }));
    const replayed = ledger.emptyState();
    for (const placed of ledger.log) replayed.evolve(placed.entry, placed);
    expect(replayed).toBeInstanceOf(LedgerState);
    expect(replayed.action(bound.admission.entry.action_id)).toMatchObject({
      bounds: [{ name: 'amount', min: '0.01', max: '500.00' }],
      uses: [{ isUnknown: true }],
    });
  });
});

/** Digits of one length as texts, with no number at all: another way than the code's. */
function isAtMost(a: string, b: string): boolean {
  return a.padStart(24, '0') <= b.padStart(24, '0');
}

describe('violatedBound', () => {
  const money = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), fc.integer({ min: 0, max: 99 }))
    .map(([whole, cents]) => `${whole}.${String(cents).padStart(2, '0')}`);
  const asked = fc
    .record({ a: money, b: money, free: money, at: fc.constantFrom('min', 'max', 'free') })
    .map(({ a, b, free, at }) => {
      const limits = isAtMost(a, b) ? { min: a, max: b } : { min: b, max: a };
      return { ...limits, amount: { ...limits, free }[at] };
    });
  it('A13: agrees with a comparison of digits, at and around each limit', () => {
    fc.assert(
      fc.property(asked, ({ min, max, amount }) => {
        const isAllowed = isAtMost(min, amount) && isAtMost(amount, max);
        const bounds = [{ name: 'amount', kind: 'money' as const, min, max }];
        expect(violatedBound(bounds, { amount })).toBe(isAllowed ? undefined : 'amount');
      }),
    );
  });
  it('A13: takes no value between limits of two scales', () => {
    const bounds = [{ name: 'amount', kind: 'money' as const, min: '0.1', max: '500.00' }];
    expect(violatedBound(bounds, { amount: '0.05' })).toBe('amount');
    expect(violatedBound(bounds, { amount: '0.5' })).toBe('amount');
  });
});
