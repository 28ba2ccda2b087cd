import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalBytes,
  canonicalText,
  equalBytes,
  fromUtf8,
  parseCanonical,
  parseStrict,
  utf8,
  type Json,
} from '../src/index.ts';
import { profileJson } from './json-arbitrary.ts';
import { refusal } from './refusal.ts';

/** What a caller without types could pass. */
function writeUnchecked(value: unknown): string {
  return canonicalText(value as Json);
}

describe('canonical form', () => {
  it('writes the string and the literals of RFC 8785 §3.2.2', () => {
    const input = String.raw`{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`;
    const expected = String.raw`{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
    expect(canonicalText(parseStrict(utf8(input)))).toBe(expected);
  });

  it('sorts the names of RFC 8785 §3.2.3, the emoji before the Hebrew letter', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const sorted: unknown = JSON.parse(canonicalText(value), (_, member: unknown) =>
      typeof member === 'object' ? Object.values(Object(member) as object) : member,
    );
    // JSON.parse moves the name "1" to the front; the text itself shows its place.
    expect(sorted).toEqual([
      'One',
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
    expect(canonicalText(value).startsWith('{"\\r":"Carriage Return","1":"One",')).toBe(true);
  });

  it.each([
    5e-324, 1.7976931348623157e308, 9007199254740992, -9007199254740992, 295147905179352830000,
    1e23,
  ])('refuses %d of RFC 8785 appendix B, outside the profile', (value) => {
    expect(refusal(() => canonicalText(value))).toBe('NUMBER_OUT_OF_PROFILE');
  });

  it('agrees with a second implementation on every value of the profile', () => {
    fc.assert(
      fc.property(profileJson, (value) => {
        expect(canonicalText(value)).toBe(canonicalize(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it('comes back the same through the gate', () => {
    fc.assert(
      fc.property(profileJson, (value) => {
        const bytes = canonicalBytes(value);
        const parsed = parseCanonical(bytes);
        expect(parsed).toEqual(value);
        expect(canonicalBytes(parsed)).toEqual(bytes);
        expect(fromUtf8(bytes)).toBe(canonicalText(value));
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order in which members were put', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.maxSafeInteger()), (members) => {
        fc.pre(!Object.keys(members).some((name) => name.includes('\0')));
        const reversed = Object.fromEntries(Object.entries(members).reverse());
        const clean = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;
        expect(canonicalText(clean(reversed))).toBe(canonicalText(clean(members)));
      }),
    );
  });
});

describe('values without a canonical form', () => {
  it.each([NaN, Infinity, -Infinity, -0, 0.5, 2 ** 53])('number %d', (value) => {
    expect(refusal(() => canonicalText({ amount: [value] }))).toBe('NUMBER_OUT_OF_PROFILE');
  });

  it.each(['\ud800', '\udc00', 'a\ud83d', '\ude00\ud83d', 'a\0b'])('text %j', (text) => {
    expect(refusal(() => canonicalText(text))).toBe('TEXT_ENCODING');
    expect(refusal(() => canonicalBytes({ [text]: 1 }))).toBe('TEXT_ENCODING');
  });

  it.each([
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a hole in an array', Array.from<unknown>({ length: 2 })],
    ['a function', () => 1],
    ['a toJSON method', { toJSON: () => 'else' }],
    ['a symbol', Symbol('a')],
    ['a bigint', 1n],
    ['a date', new Date(0)],
    ['a map', new Map([['a', 1]])],
    ['a byte array', Uint8Array.of(1)],
    ['a boxed string', Object('text')],
    [
      'an instance',
      new (class Amount {
        readonly value = '10';
      })(),
    ],
  ])('%s', (_, value) => {
    expect(refusal(() => writeUnchecked(value))).toBe('JSON_SYNTAX');
    expect(refusal(() => writeUnchecked([value]))).toBe('JSON_SYNTAX');
  });

  it('a cycle', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(refusal(() => writeUnchecked(cycle))).toBe('LIMIT_EXCEEDED');
  });

  it('takes objects with and without a prototype', () => {
    const bare = Object.assign(Object.create(null) as Record<string, Json>, { b: 1, a: 2 });
    expect(canonicalText(bare)).toBe('{"a":2,"b":1}');
    expect(canonicalText({ b: 1, a: 2 })).toBe('{"a":2,"b":1}');
  });
});

describe('parseCanonical', () => {
  it.each([
    '{"b":1,"a":2}',
    '{ }',
    '[1, 2]',
    '"\\u0061"',
    '"\\/"',
    '"\\u000A"',
    '"\\u001F"',
    '1\n',
    ' 1',
  ])('refuses %j', (text) => {
    expect(refusal(() => parseStrict(utf8(text)))).toBeUndefined();
    expect(refusal(() => parseCanonical(utf8(text)))).toBe('NOT_CANONICAL');
  });

  it('refuses first what the gate refuses', () => {
    expect(refusal(() => parseCanonical(utf8('{"a":1, "a":1}')))).toBe('DUPLICATE_KEY');
    const limits = { maxBytes: 3, maxDepth: 1, maxMembers: 1 };
    expect(refusal(() => parseCanonical(utf8('[10]'), limits))).toBe('LIMIT_EXCEEDED');
  });

  it('takes exactly the bytes that writing the value again gives, however they are spelled', () => {
    const taken = { canonical: 0, other: 0 };
    fc.assert(
      fc.property(profileJson, fc.array(fc.nat({ max: 30 }), { maxLength: 60 }), (value, picks) => {
        const bytes = utf8(spelled(value, turns(picks)));
        const isCanonical = equalBytes(bytes, canonicalBytes(parseStrict(bytes)));
        taken[isCanonical ? 'canonical' : 'other'] += 1;
        const expected = isCanonical ? undefined : 'NOT_CANONICAL';
        expect(refusal(() => parseCanonical(bytes))).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(taken.canonical, taken.other)).toBeGreaterThan(100);
  });

  it('judges every escape of one character', () => {
    for (let unit = 1; unit < 0x80; unit += 1) {
      const hex = unit.toString(16).padStart(4, '0');
      const short = ['"', '\\', '/', 'b', 'f', 'n', 'r', 't'].map((each) => `\\${each}`);
      for (const escape of [`\\u${hex}`, `\\u${hex.toUpperCase()}`, ...short]) {
        const bytes = utf8(`{"a${escape}":"${escape}b"}`);
        const isCanonical = equalBytes(bytes, canonicalBytes(parseStrict(bytes)));
        expect([escape, refusal(() => parseCanonical(bytes))]).toEqual([
          escape,
          isCanonical ? undefined : 'NOT_CANONICAL',
        ]);
      }
    }
  });
});

/** The picks, one after the other; 0 once there are no more. */
function turns(picks: readonly number[]): () => number {
  let next = 0;
  return () => picks[next++] ?? 0;
}

/** A spelling of the value, canonical but for the places where 1 to 4 is picked. */
function spelled(value: Json, pick: () => number): string {
  const space = pick() === 1 ? ' ' : '';
  if (typeof value === 'string') return space + spelledText(value, pick);
  if (Array.isArray(value)) {
    return `[${space}${value.map((each: Json) => spelled(each, pick)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    if (pick() === 2) members.reverse();
    const texts = members.map(
      ([name, each]) => `${spelledText(name, pick)}:${spelled(each, pick)}`,
    );
    return `{${texts.join(',')}}${space}`;
  }
  return `${space}${JSON.stringify(value)}`;
}

function spelledText(text: string, pick: () => number): string {
  const parts = text.split('').map((unit) => {
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
    switch (pick()) {
      case 3:
        return `\\u${hex}`;
      case 4:
        return `\\u${hex.toUpperCase()}`;
      default:
        return /[\ud800-\udfff]/.test(unit) ? unit : JSON.stringify(unit).slice(1, -1);
    }
  });
  const whole = parts.join('');
  // Half of a pair raw and half of it escaped is no text.
  return isWellSpelled(whole) ? `"${whole}"` : JSON.stringify(text);
}

function isWellSpelled(text: string): boolean {
  return refusal(() => parseStrict(utf8(`"${text}"`))) === undefined;
}
