import type { JsonObject } from '@countersign/canonical';
import type { Bound } from '@countersign/descriptors';
import type { SeededChoice } from './seeded-choice.ts';

/** Limits as they may be, and some that are none. */
export function someGrant(random: SeededChoice): JsonObject {
  const [min, max] = random.of([
    ['0.01', '500.00'],
    ['5.00', '5.00'],
    ['10.00', '99.99'],
  ] as const);
  const limits = {
    kept: { amount_min: min, amount_max: max },
    reversed: { amount_min: max, amount_max: '0.50' },
    scale: { amount_min: '1', amount_max: max },
  }[random.weighted({ kept: 20, reversed: 1, scale: 1 })];
  return {
    debtor_account: 'DE89370400440532013000',
    creditor: { name: 'Nordlicht GmbH', account: 'AT611904300234573201', country: 'AT' },
    currency: 'EUR',
    remittance: `Parcels ${random.below(5)}`,
    ...limits,
  };
}

/** What a claim chooses: mostly what it may. Undefined is a claim that chooses nothing. */
export function someChoice(
  random: SeededChoice,
  bounds: readonly Bound[] | undefined,
): JsonObject | undefined {
  const [bound] = bounds ?? [];
  if (bound === undefined) return random.chance(0.03) ? { amount: '1.00' } : undefined;
  const [low, high] = [centsOf(bound.min), centsOf(bound.max)];
  switch (
    random.weighted({ within: 9, limit: 4, above: 2, below: 1, scale: 1, beside: 2, none: 1 })
  ) {
    case 'within':
      return { amount: textOf(random.between(low, high)) };
    case 'limit':
      return { amount: random.of([bound.min, bound.max]) };
    case 'above':
      return { amount: textOf(high + 1) };
    case 'below':
      return { amount: textOf(low - 1) };
    case 'scale':
      return { amount: `${bound.max}0` };
    case 'beside':
      return { amount: bound.max, currency: 'USD' };
    case 'none':
      return undefined;
  }
}

function centsOf(money: string): number {
  return Number(money.replace('.', ''));
}

function textOf(cents: number): string {
  const digits = String(cents).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
