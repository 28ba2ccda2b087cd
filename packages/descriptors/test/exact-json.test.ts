import type { Json } from '@countersign/canonical';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactJsonText } from '../src/index.ts';
import { parseExactJson } from '../src/exact-json.ts';
import { codeOf } from './example-action.ts';

/** Every value that JSON has, numbers without a minus zero: it is written as 0. */
const VALUE: fc.Arbitrary<Json> = fc
  .jsonValue({ stringUnit: 'grapheme', maxDepth: 5 })
  .filter((value) => !JSON.stringify(value).includes('\\u0000'))
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);

describe('exactJsonText', () => {
  test('is read back as the same value, and written as the same text', () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        const text = exactJsonText({ value });
        expect(parseExactJson(text, '/params/arguments')).toEqual({ value });
        expect(exactJsonText(parseExactJson(text, ''))).toBe(text);
      }),
    );
  });

  test('B01, B02: another spelling of the same value is refused', () => {
    fc.assert(
      fc.property(VALUE, fc.nat(), (value, at) => {
        const text = exactJsonText({ value });
        const places = [...text.matchAll(/[,:{}[\]]/g)].map(({ index }) => index);
        const place = places[at % places.length] ?? 0;
        const spaced = `${text.slice(0, place)} ${text.slice(place)}`;
        const isInString = codeOf(() => parseExactJson(spaced, '')) === 'accepted';
        // A sign inside a string is no place for white space: there it is another value.
        if (isInString) expect(JSON.parse(spaced)).not.toEqual({ value });
      }),
    );
  });

  test('writes numbers as ECMAScript does, and refuses what is none', () => {
    expect(exactJsonText([1e21, 1e-7, 0.1, -0, 5e-324])).toBe('[1e+21,1e-7,0.1,0,5e-324]');
    expect(codeOf(() => exactJsonText(Infinity))).toBe('NUMBER_OUT_OF_PROFILE');
    expect(codeOf(() => exactJsonText('\ud800'))).toBe('TEXT_ENCODING');
  });

  test('B11: is 32 levels deep at most', () => {
    const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);
    expect(codeOf(() => exactJsonText(deep(32)))).toBe('accepted');
    expect(codeOf(() => exactJsonText(deep(33)))).toBe('LIMIT_EXCEEDED');
  });

  test('a member called __proto__ is data like any other', () => {
    const text = '{"__proto__":{"admin":true}}';
    expect(exactJsonText(parseExactJson(text, ''))).toBe(text);
  });
});
