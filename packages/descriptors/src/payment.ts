import type { JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { COUNTRIES } from './country-table.ts';
import { CURRENCIES } from './currency-table.ts';
import { DescriptorError, type DescriptorErrorCode } from './descriptor-error.ts';
import { textAt } from './json-member.ts';
import { assertScale, minorUnits, moneyText, type Money } from './money-text.ts';
import { lengthOf } from './text-length.ts';

/** EPC rulebooks: a name has 70 characters, an amount is below a thousand million. */
const SEPA_NAME_MAX = 70;
export const SEPA_WHOLE_DIGITS_MAX = 9;

function paid(params: JsonObject): Money {
  return {
    amount: textAt(params, '/amount/amount'),
    currency: textAt(params, '/amount/currency'),
  };
}

function assertThat(isTrue: boolean, code: DescriptorErrorCode, expected: string): void {
  if (!isTrue) throw new DescriptorError(code, expected);
}

function checkSepa(params: JsonObject): void {
  const { amount, currency } = paid(params);
  const [whole = ''] = amount.split('.');
  assertThat(
    currency === 'EUR',
    'SCHEMA_INVALID',
    '/params/amount/currency: expected EUR on a SEPA rail',
  );
  assertThat(
    whole.length <= SEPA_WHOLE_DIGITS_MAX,
    'LIMIT_EXCEEDED',
    '/params/amount/amount: expected at most 999999999.99 on a SEPA rail',
  );
  assertThat(
    textAt(params, '/charge_bearer') === 'SLEV',
    'SCHEMA_INVALID',
    '/params/charge_bearer: expected SLEV on a SEPA rail',
  );
  assertThat(
    lengthOf(textAt(params, '/creditor/name')) <= SEPA_NAME_MAX,
    'LIMIT_EXCEEDED',
    `/params/creditor/name: expected at most ${SEPA_NAME_MAX} characters on a SEPA rail`,
  );
}

function checkSwift(params: JsonObject): void {
  assertThat(
    textAt(params, '/creditor/bic') !== '',
    'SCHEMA_INVALID',
    '/params/creditor/bic: expected on the rail swift',
  );
  assertThat(
    textAt(params, '/charge_bearer') !== 'SLEV',
    'SCHEMA_INVALID',
    '/params/charge_bearer: expected DEBT, SHAR or CRED on the rail swift',
  );
}

function check(params: JsonObject): void {
  assertScale(paid(params), '/params/amount/amount');
  assertThat(
    textAt(params, '/creditor/account') !== textAt(params, '/debtor_account'),
    'SCHEMA_INVALID',
    '/params/creditor/account: expected another account than the one that pays',
  );
  if (textAt(params, '/rail') === 'swift') checkSwift(params);
  else checkSepa(params);
}

export function countryName(code: string): string {
  return COUNTRIES.get(code) ?? code;
}

export function accountText(iban: string): string {
  return `${iban.replace(/.{4}(?=.)/g, '$& ')} (${countryName(iban.slice(0, 2))})`;
}

/** Each pair is the same in most payments, and where it is not, somebody should ask why. */
function placeWarnings(params: JsonObject): string[] {
  const account = textAt(params, '/creditor/account').slice(0, 2);
  const home = textAt(params, '/creditor/country');
  const bank = textAt(params, '/creditor/bic').slice(4, 6);
  const warnings: string[] = [];
  if (home !== account) {
    warnings.push(
      `Account of the payee: is in ${countryName(account)}, and the payee in ${countryName(home)}`,
    );
  }
  if (bank !== '' && bank !== account) {
    warnings.push(
      `Account of the payee: is of ${countryName(account)}, and the BIC of ${countryName(bank)}`,
    );
  }
  return warnings;
}

function compute(params: JsonObject): Computed {
  const money = paid(params);
  return {
    lines: [
      {
        label: 'Pay',
        value: `${moneyText(money)} (${CURRENCIES.get(money.currency)?.name ?? money.currency})`,
      },
      // Of the format bank-text, which has no sign that would have to be shown otherwise.
      { label: 'To', value: textAt(params, '/creditor/name') },
      { label: 'Account of the payee', value: accountText(textAt(params, '/creditor/account')) },
      {
        label: 'Country of the payee',
        value: countryName(textAt(params, '/creditor/country')),
      },
      { label: 'From the account', value: accountText(textAt(params, '/debtor_account')) },
    ],
    warnings: placeWarnings(params),
  };
}

/** How much goes to whom, as a person reads it, and what the rail asks for (B03). */
export const PAYMENT: Computation = {
  shows: [
    '/params/amount/amount',
    '/params/amount/currency',
    '/params/creditor/name',
    '/params/creditor/account',
    '/params/creditor/country',
    '/params/debtor_account',
  ],
  check,
  facts: {
    kinds: { amount_minor: 'integer', currency: 'text' },
    of: (params) => {
      const { amount, currency } = paid(params);
      return { amount_minor: minorUnits(amount, '/params/amount/amount'), currency };
    },
  },
  compute,
};
