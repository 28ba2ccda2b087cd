import { unitsOf } from './bounds.ts';
import { CURRENCIES } from './currency-table.ts';
import { DescriptorError } from './descriptor-error.ts';

/** An amount as the action holds it. Both members have passed their formats. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/**
 * One spelling an amount: with exactly the digits that the currency has behind its point, and above zero.
 * @throws {DescriptorError} MONEY_FORMAT
 */
export function assertScale({ amount, currency }: Money, pointer: string): void {
  const digits = CURRENCIES.get(currency)?.digits ?? 0;
  const fraction = amount.split('.')[1] ?? '';
  if (fraction.length === digits && /[1-9]/.test(amount)) return;
  throw new DescriptorError(
    'MONEY_FORMAT',
    `${pointer}: expected an amount above 0 with ${digits} digits behind the point`,
  );
}

/**
 * In the smallest unit of its currency, for a policy to compare.
 * @throws {DescriptorError} LIMIT_EXCEEDED where a number of JSON would not hold every digit of it
 */
export function minorUnits(amount: string, pointer: string): number {
  const units = Number(unitsOf(amount));
  if (Number.isSafeInteger(units)) return units;
  throw new DescriptorError(
    'LIMIT_EXCEEDED',
    `${pointer}: expected at most ${Number.MAX_SAFE_INTEGER} of the smallest unit`,
  );
}

/** `18 250.40 EUR`: digits in groups of three, the same in every country. */
export function moneyText({ amount, currency }: Money): string {
  const [whole = '', fraction] = amount.split('.');
  const grouped = whole.replace(/\B(?=(?:[0-9]{3})+$)/g, ' ');
  return `${grouped}${fraction === undefined ? '' : `.${fraction}`} ${currency}`;
}

/** An amount of the smallest unit, as the action would hold it. */
export function moneyOf(minor: number, currency: string): Money {
  const digits = CURRENCIES.get(currency)?.digits ?? 0;
  const text = String(minor).padStart(digits + 1, '0');
  const point = text.length - digits;
  return { amount: digits === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`, currency };
}

export function isSameMoney(a: Money, b: Money): boolean {
  return a.currency === b.currency && a.amount === b.amount;
}
