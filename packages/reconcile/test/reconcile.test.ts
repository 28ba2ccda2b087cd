import {
  expectedEffects,
  reconcile,
  type BoundUse,
  type Finding,
  type TargetEffect,
} from '@countersign/reconcile';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const COVERED = new Map([['payment', '2026-11-24T00:00:00.000Z']] as const);

function useId(n: number): string {
  return `01M83G8PGDVFCDVZ5H41H6${String(n).padStart(4, '0')}`;
}

function use(n: number, changes: Partial<BoundUse> = {}): BoundUse {
  const id = useId(n);
  return {
    actionId: `01M83G8MPPSRG4ZW2KQSKA${String(n).padStart(4, '0')}`,
    useId: id,
    shortId: `cs-${id.slice(-10)}`,
    startBy: '2026-11-23T12:00:00.000Z',
    expected: [
      {
        kind: 'payment',
        target: 'AT611904300234573201',
        facts: { amount: `${n}`, currency: 'EUR' },
      },
    ],
    result: 'succeeded',
    ...changes,
  };
}

function effect(n: number, changes: Partial<TargetEffect> = {}): TargetEffect {
  return {
    record: 'camt.053',
    id: `line-${n}`,
    at: '2026-11-23',
    kind: 'payment',
    target: 'AT611904300234573201',
    reference: `CS-${useId(n).slice(-16)}`,
    facts: { amount: `${n}`, currency: 'EUR' },
    ...changes,
  };
}

function namesOf(uses: BoundUse[], effects: TargetEffect[]): string[] {
  return reconcile({ uses, effects, covered: COVERED }).findings.map(named);
}

function named({ finding, differs = [], use: of }: Finding): string {
  return [finding, ...differs, ...(of === undefined ? [] : [Number(of.useId.slice(-4))])].join(' ');
}

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 12 });

describe('reconciliation', () => {
  it('finds nothing where each use has its effect, in any order and told of twice', () => {
    fc.assert(
      fc.property(numbers, fc.infiniteStream(fc.nat()), (all, order) => {
        const uses = all.map((n) => use(n));
        const effects = [...all, ...all].map((n) => effect(n));
        const shuffled = effects
          .map((one) => ({ one, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const { findings, matched } = reconcile({ uses, effects: shuffled, covered: COVERED });
        expect(findings).toEqual([]);
        expect(matched).toBe(all.length);
      }),
    );
  });

  it('gives the same findings for every order of uses and effects', () => {
    const uses = [use(1), use(2), use(3, { result: 'failed' }), use(4)];
    const effects = [
      effect(1),
      effect(1, { id: 'line-1b' }),
      effect(2, { facts: { amount: '3', currency: 'EUR' } }),
      effect(3),
      effect(9),
    ];
    const expected = reconcile({ uses, effects, covered: COVERED });
    expect(expected.findings.map(named)).toEqual([
      'DUPLICATE_EFFECT 1',
      'EFFECT_DIFFERS amount 2',
      'EFFECT_DIFFERS result 3',
      'NO_EFFECT_OBSERVED 4',
      'UNBOUND_EXECUTION',
    ]);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(uses, { minLength: uses.length }),
        fc.shuffledSubarray(effects, { minLength: effects.length }),
        (someUses, someEffects) => {
          const got = reconcile({ uses: someUses, effects: someEffects, covered: COVERED });
          expect(got).toEqual(expected);
        },
      ),
    );
  });

  it('G12: an effect without a reference, or with that of no use, is UNBOUND_EXECUTION', () => {
    const { record, id, at, kind, target, facts } = effect(1);
    const bare = { record, id, at, kind, target, facts };
    expect(namesOf([use(1, { result: 'failed' })], [bare])).toEqual(['UNBOUND_EXECUTION']);
    for (const reference of [
      '',
      'cs-',
      'NOTPROVIDED',
      'cs-0000000000',
      `CS-X${useId(1).slice(-15)}`,
    ]) {
      expect(namesOf([use(1, { result: 'failed' })], [effect(1, { reference })])).toEqual([
        'UNBOUND_EXECUTION',
      ]);
    }
  });

  it('G13: a use without an effect is NO_EFFECT_OBSERVED, unless it failed or may still come', () => {
    expect(namesOf([use(1)], [])).toEqual(['NO_EFFECT_OBSERVED 1']);
    expect(namesOf([use(1, { result: 'unknown' })], [])).toEqual(['NO_EFFECT_OBSERVED 1']);
    expect(namesOf([use(1, { result: 'failed' })], [])).toEqual([]);
    expect(namesOf([use(1, { startBy: '2026-11-25T00:00:00.000Z' })], [])).toEqual([]);
  });

  it('C16: an outcome that was unknown is settled by the record of the target', () => {
    expect(namesOf([use(1, { result: 'unknown' })], [effect(1)])).toEqual([]);
  });

  it('G13: another target, or another kind of change, is EFFECT_DIFFERS', () => {
    expect(namesOf([use(1)], [effect(1, { target: 'DE00' })])).toEqual(['EFFECT_DIFFERS target 1']);
    expect(namesOf([use(1, { result: 'failed' })], [effect(1, { kind: 'secret-read' })])).toEqual([
      'EFFECT_DIFFERS kind 1',
    ]);
  });

  it('H06: a report that the record of the target contradicts is found, whichever way it lies', () => {
    // It says that it failed, and the money has gone.
    const hidden = use(1, { result: 'failed' });
    expect(namesOf([hidden], [effect(1)])).toEqual(['EFFECT_DIFFERS result 1']);
    // It says that it is done, and nothing was done.
    expect(namesOf([use(2)], [])).toEqual(['NO_EFFECT_OBSERVED 2']);
    // It says that what was approved is done, and did something else.
    const more = { facts: { amount: '3000', currency: 'EUR' } };
    expect(namesOf([use(3)], [effect(3, more)])).toEqual(['EFFECT_DIFFERS amount 3']);
    // It did it again.
    expect(namesOf([use(4)], [effect(4), effect(4, { id: 'again' })])).toEqual([
      'DUPLICATE_EFFECT 4',
    ]);
    // It tells the truth.
    expect(namesOf([use(5), use(6, { result: 'failed' })], [effect(5)])).toEqual([]);
  });

  it('G14: compares nothing with an action whose content was erased', () => {
    expect(namesOf([use(1, { expected: undefined })], [effect(1, { target: 'DE00' })])).toEqual([]);
    expect(namesOf([use(1, { expected: undefined })], [])).toEqual([]);
  });

  it('never repeats a value in a finding', () => {
    const document = 'the text of a policy';
    const expected = [{ kind: 'policy-written', target: 'arn', facts: { document } }] as const;
    const other = {
      kind: 'policy-written',
      target: 'arn',
      facts: { document: 'another' },
    } as const;
    const { findings } = reconcile({
      uses: [use(1, { expected })],
      effects: [effect(1, other)],
      covered: COVERED,
    });
    expect(findings).toMatchObject([{ finding: 'EFFECT_DIFFERS', differs: ['document'] }]);
    expect(JSON.stringify(findings)).not.toContain(document);
  });
});

describe('what a record must hold', () => {
  it('has one more part where an old key ends', () => {
    const key = {
      kind: 'aws-iam-access-key',
      user_arn: 'arn:aws:iam::1:user/a/bot',
      access_key_id: 'AK',
    };
    const kinds = (action: string): unknown =>
      expectedEffects('key.rotate', { key, old_key_action: action })?.map(({ kind }) => kind);
    expect(kinds('keep')).toEqual(['access-key-created']);
    expect(kinds('disable')).toEqual(['access-key-created', 'access-key-disabled']);
    expect(kinds('revoke')).toEqual(['access-key-created', 'access-key-deleted']);
  });

  it('A13: is what the use of a grant has chosen, not what the grant allows', () => {
    const grant = {
      debtor_account: 'DE89370400440532013000',
      creditor: { account: 'AT611904300234573201' },
      currency: 'EUR',
      amount_min: '0.01',
      amount_max: '500.00',
    };
    const facts = { amount: '12.5', currency: 'EUR', debtor: 'DE89370400440532013000' };
    expect(expectedEffects('payment.grant', { ...grant, amount: '12.50' })).toEqual([
      { kind: 'payment', target: 'AT611904300234573201', facts },
    ]);
  });

  it('is nothing for types and targets that no record is read of', () => {
    expect(expectedEffects('generic.command', {})).toBeUndefined();
    expect(expectedEffects('response.contain', { target: { kind: 'host' } })).toBeUndefined();
  });
});
