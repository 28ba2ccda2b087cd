import type { JsonObject } from '@countersign/canonical';
import type { ActionEnvelope } from './action.ts';
import { unitsOf } from './bounds.ts';
import type { Computation, Computed } from './computation.ts';
import { CURRENCIES } from './currency-table.ts';
import { DescriptorError } from './descriptor-error.ts';
import { textAt } from './json-member.ts';
import { assertScale, minorUnits, moneyText } from './money-text.ts';
import { SEPA_WHOLE_DIGITS_MAX, accountText, countryName } from './payment.ts';

function check(params: JsonObject): void {
  const currency = textAt(params, '/currency');
  for (const name of ['/amount_min', '/amount_max']) {
    assertScale({ amount: textAt(params, name), currency }, `/params${name}`);
  }
  if ((textAt(params, '/amount_max').split('.')[0] ?? '').length > SEPA_WHOLE_DIGITS_MAX) {
    throw new DescriptorError(
      'LIMIT_EXCEEDED',
      '/params/amount_max: expected at most 999999999.99 on a SEPA rail',
    );
  }
  if (textAt(params, '/creditor/account') === textAt(params, '/debtor_account')) {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/creditor/account: expected another account than the one that pays',
    );
  }
}

/** All uses at the upper limit, in exact arithmetic. */
function sumOf(amount: string, count: number): string {
  const fraction = amount.split('.')[1] ?? '';
  const digits = String(unitsOf(amount) * BigInt(count)).padStart(fraction.length + 1, '0');
  const point = digits.length - fraction.length;
  return fraction === '' ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function compute(params: JsonObject, envelope: ActionEnvelope): Computed {
  const currency = textAt(params, '/currency');
  const max = textAt(params, '/amount_max');
  const { max_uses: count, not_after: until } = envelope;
  const name = textAt(params, '/creditor/name');
  const account = textAt(params, '/creditor/account');
  const money = (amount: string): string => moneyText({ amount, currency });
  const [from] = money(textAt(params, '/amount_min')).split(` ${currency}`);
  const payments = count === 1 ? '1 payment' : `up to ${count} payments`;
  const country = textAt(params, '/creditor/country');
  const home = account.slice(0, 2);
  return {
    lines: [
      {
        label: 'Pay',
        value: `${payments} of ${from ?? ''} to ${money(max)} to ${name} until ${until} (UTC)`,
      },
      {
        label: 'In all at most',
        value: `${money(sumOf(max, count))} (${CURRENCIES.get(currency)?.name ?? currency})`,
      },
      { label: 'Who chooses', value: 'the executor, one amount for each payment, in its claim' },
      { label: 'Account of the payee', value: accountText(account) },
      { label: 'Country of the payee', value: countryName(country) },
      { label: 'From the account', value: accountText(textAt(params, '/debtor_account')) },
      {
        label: 'Sent as',
        value: 'SEPA credit transfers: calling one back needs the consent of the payee',
      },
    ],
    warnings:
      country === home
        ? []
        : [
            `Account of the payee: is in ${countryName(home)}, and the payee in ${countryName(country)}`,
          ],
  };
}

/** What may be paid by one approval, and what it can come to (attack row A13). */
export const PAYMENT_GRANT: Computation = {
  shows: [
    '/params/amount_min',
    '/params/amount_max',
    '/params/currency',
    '/params/creditor/name',
    '/params/creditor/account',
    '/params/creditor/country',
    '/params/debtor_account',
  ],
  check,
  facts: {
    kinds: { amount_min_minor: 'integer', amount_max_minor: 'integer', currency: 'text' },
    of: (params) => ({
      amount_min_minor: minorUnits(textAt(params, '/amount_min'), '/params/amount_min'),
      amount_max_minor: minorUnits(textAt(params, '/amount_max'), '/params/amount_max'),
      currency: textAt(params, '/currency'),
    }),
  },
  compute,
};
