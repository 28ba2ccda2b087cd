import { readFileSync } from 'node:fs';
import { codes, code as currencyOf } from 'currency-codes';
import fc from 'fast-check';
import { countrySpecs, isValidBIC, isValidIBAN } from 'ibantools';
import countries from 'i18n-iso-countries';
import { describe, expect, test } from 'vitest';
import { isBankText, isBic, isIban, isLei } from '../src/bank-format.ts';
import { COUNTRIES } from '../src/country-table.ts';
import { CURRENCIES } from '../src/currency-table.ts';
import { formatFault } from '../src/field-format.ts';

function data(name: string): Record<string, unknown> {
  const url = new URL(`../../../schemas/data/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>;
}

const LENGTHS = data('iban-lengths') as Record<string, number>;

/** Metals, funds, units of account, codes for tests, and one that Cuba took back: nobody pays in them. */
const NO_MONEY =
  'XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX BOV CHE CHW CLF COU MXV USN UYI UYW CUC';

function checkDigits(country: string, rest: string): string {
  const digits = Array.from(`${rest}${country}00`)
    .map((sign) => parseInt(sign, 36))
    .join('');
  return String(98n - (BigInt(digits) % 97n)).padStart(2, '0');
}

const IBAN: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...Object.keys(LENGTHS)),
    fc.array(fc.nat(9), { minLength: 40, maxLength: 40 }),
  )
  .map(([country, digits]) => {
    const rest = digits.join('').slice(0, (LENGTHS[country] ?? 0) - 4);
    return `${country}${checkDigits(country, rest)}${rest}`;
  });

describe('IBAN', () => {
  test('has the lengths of schemas/data, which are those of ibantools', () => {
    for (const [country, length] of Object.entries(LENGTHS)) {
      expect(countrySpecs[country as keyof typeof countrySpecs]?.chars).toBe(length);
      expect(COUNTRIES.has(country)).toBe(true);
    }
  });

  test('takes what has its length and its check digits, and nothing that differs in one digit', () => {
    fc.assert(
      fc.property(
        IBAN,
        fc.nat(33),
        fc.constantFrom(...Array.from('0123456789')),
        (iban, at, sign) => {
          expect(isIban(iban)).toBe(true);
          const place = at % iban.length;
          if (iban[place] === sign) return;
          // A change of the country may give another account that is right; any other change is found by MOD 97-10.
          if (place < 2) return;
          expect(isIban(`${iban.slice(0, place)}${sign}${iban.slice(place + 1)}`)).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    'DE89370400440532013000',
    'GB29NWBK60161331926819',
    'MT84MALT011000012345MTLCAST001S',
  ])('agrees with ibantools on %s, and on every neighbour of it', (iban) => {
    expect(isIban(iban)).toBe(true);
    for (let at = 2; at < iban.length; at += 1) {
      for (const sign of '0123456789ABZ') {
        const other = `${iban.slice(0, at)}${sign}${iban.slice(at + 1)}`;
        // The structure of the national part is what ibantools knows beyond this format.
        if (isValidIBAN(other)) expect(isIban(other)).toBe(true);
        if (!isIban(other)) expect(isValidIBAN(other)).toBe(false);
      }
    }
  });
});

describe('other formats of payments', () => {
  test.each(['BKAUATWW', 'NWBKGB2LXXX', 'DEUTDEFF500'])('takes the BIC %s', (bic) => {
    expect(isBic(bic)).toBe(true);
    expect(isValidBIC(bic)).toBe(true);
  });

  test.each(['BKAUXXWW', 'bkauatww', 'BKAUATWWX', 'BKAUATW', ' BKAUATWW'])('refuses %j', (bic) => {
    expect(isBic(bic)).toBe(false);
  });

  test('a LEI has check digits', () => {
    expect(isLei('529900T8BM49AURSDO55')).toBe(true);
    expect(isLei('529900T8BM49AURSOD55')).toBe(false);
  });

  test.each(['Nordlicht GmbH', "L'Oréal, S.A.", 'Łódź + Söhne (2)', 'A/B', 'x'])(
    'takes the name %j',
    (name) => {
      expect(isBankText(name)).toBe(true);
    },
  );

  test.each(Array.from('\u00D7\u00F7\u0132\u0149\u017F\u0410\u2019"<>*_@#'))(
    'B07: refuses %j',
    (sign) => {
      expect(formatFault('bank-text', `A ${sign}`)).toBe('UNSAFE_TEXT');
    },
  );
});

describe('tables', () => {
  test('currencies are those of schemas/data, with the digits of ISO 4217', () => {
    expect(Object.fromEntries(CURRENCIES)).toEqual(data('currencies'));
    const money = codes().filter((each) => !NO_MONEY.split(' ').includes(each));
    expect([...CURRENCIES.keys()]).toEqual([...money].sort());
    for (const [code, { digits }] of CURRENCIES) expect(digits).toBe(currencyOf(code)?.digits);
  });

  test('countries are those of schemas/data, and of ISO 3166-1', () => {
    expect(Object.fromEntries(COUNTRIES)).toEqual(data('countries'));
    expect([...COUNTRIES.keys()]).toEqual(Object.keys(countries.getAlpha2Codes()).sort());
  });
});
