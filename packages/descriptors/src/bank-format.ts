import { COUNTRIES } from './country-table.ts';

/**
 * The countries that are in the IBAN registry, with the length of their account numbers. The same as
 * schemas/data/iban-lengths.json; part of the format.
 */
const LENGTHS = `
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23
IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27
MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19
SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
`;

const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  LENGTHS.trim()
    .split(/\s/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const IBAN = /^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/;
const BIC = /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/;
const LEI = /^[A-Z0-9]{18}[0-9]{2}$/;

/**
 * What clearing systems carry: the Latin signs of ISO 20022 payments and the Latin letters of Europe, each as one character. A
 * name of another script would reach the bank as another one, or as question marks.
 */
const BANK_TEXT =
  /^[A-Za-z0-9&/?:().,'+\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u0131\u0134-\u0148\u014A-\u017E-]+(?: [A-Za-z0-9&/?:().,'+\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u0131\u0134-\u0148\u014A-\u017E-]+)*$/;

/**
 * ISO 7064, MOD 97-10: letters count as 10 to 35. Check digits are 02 to 98: 00, 01 and 99 would be a second spelling of 97,
 * 98 and 02.
 */
function isChecked(text: string): boolean {
  const check = Number(text.slice(-2));
  return check >= 2 && check <= 98 && remainder97(text) === 1;
}

function remainder97(text: string): number {
  let rest = 0;
  for (const sign of text) {
    const value = parseInt(sign, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

export function isIban(text: string): boolean {
  return (
    IBAN.test(text) &&
    IBAN_LENGTHS.get(text.slice(0, 2)) === text.length &&
    isChecked(text.slice(4) + text.slice(0, 4))
  );
}

export function isBic(text: string): boolean {
  return BIC.test(text) && COUNTRIES.has(text.slice(4, 6));
}

export function isLei(text: string): boolean {
  return LEI.test(text) && isChecked(text);
}

export function isBankText(text: string): boolean {
  const hasOddSlash = text.startsWith('/') || text.endsWith('/') || text.includes('//');
  return BANK_TEXT.test(text) && !hasOddSlash;
}
