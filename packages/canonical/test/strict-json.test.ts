import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACTION_LIMITS,
  canonicalBytes,
  canonicalText,
  parseCanonical,
  parseStrict,
  utf8,
  type JsonLimits,
} from '../src/index.ts';
import { profileJson } from './json-arbitrary.ts';
import { refusal } from './refusal.ts';

function gate(text: string, limits?: JsonLimits): string | undefined {
  return refusal(() => parseStrict(utf8(text), limits));
}

function gateBytes(...bytes: number[]): string | undefined {
  return refusal(() => parseStrict(Uint8Array.from(bytes)));
}

describe('attacks on the gate', () => {
  it.each([
    '{"amount":"10","amount":"9000"}',
    '{"amount":"10","\\u0061mount":"9000"}',
    '{"\\u0061mount":"10","amount":"9000"}',
    '{"payment":[{"amount":"10","to":"x","amount":"9000"}]}',
    '{"__proto__":1,"__proto__":2}',
    '{"constructor":null,"constructor":null}',
  ])('B01 duplicate key %s', (text) => {
    expect(gate(text)).toBe('DUPLICATE_KEY');
  });

  it.each([
    '1e400',
    '-0',
    '1.0',
    '0.30000000000000004',
    '9007199254740992',
    '9007199254740993',
    '-9007199254740992',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e2',
    '01',
    '+1',
    '.5',
    '5.',
    '1E-7',
    '0e0',
    '99999999999999999999999999999999',
  ])('B02 number %s', (text) => {
    expect(gate(text)).toBe('NUMBER_OUT_OF_PROFILE');
    expect(gate(`{"a":[${text}]}`)).toBe('NUMBER_OUT_OF_PROFILE');
  });

  it('B02 keeps the integers of the profile exact', () => {
    const numbers = '[0,1,-1,9007199254740991,-9007199254740991]';
    expect(canonicalText(parseStrict(utf8(numbers)))).toBe(numbers);
  });

  it.each([
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud83dx"',
    '"\\ud83d\\ud83d"',
    '"\\udc00\\udc00"',
    '"\\ude00\\ud83d"',
  ])('B05 lone surrogate %s', (text) => {
    expect(gate(text)).toBe('TEXT_ENCODING');
  });

  it('B05 overlong UTF-8, encoded surrogates, byte order mark, NUL', () => {
    expect(gateBytes(0x22, 0xc0, 0xaf, 0x22)).toBe('TEXT_ENCODING');
    expect(gateBytes(0x22, 0xe0, 0x80, 0xaf, 0x22)).toBe('TEXT_ENCODING');
    expect(gateBytes(0x22, 0xed, 0xa0, 0x80, 0x22)).toBe('TEXT_ENCODING');
    expect(gateBytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d)).toBe('TEXT_ENCODING');
    expect(gateBytes(0x22, 0x00, 0x22)).toBe('TEXT_ENCODING');
    expect(gateBytes(0x7b, 0x00, 0x7d)).toBe('TEXT_ENCODING');
    expect(gate('"\\u0000"')).toBe('TEXT_ENCODING');
    expect(gate('{"\\u0000":1}')).toBe('TEXT_ENCODING');
  });

  it('B05 judges every sequence of two bytes, and of three with a given lead, as the platform does', () => {
    const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isUtf8 = (bytes: number[]): boolean => {
      try {
        platform.decode(Uint8Array.from(bytes));
        return true;
      } catch {
        return false;
      }
    };
    const misjudged: string[] = [];
    for (let lead = 0x80; lead < 0x100; lead += 1) {
      for (let second = 0x80; second < 0x100; second += 1) {
        for (const tail of [[], [0x80], [0xbf], [0x80, 0x80], [0xbf, 0xbf]]) {
          const bytes = [lead, second, ...tail];
          const code = gateBytes(0x22, ...bytes, 0x22);
          const expected = isUtf8(bytes) ? undefined : 'TEXT_ENCODING';
          if (code !== expected) misjudged.push(bytes.join(' '));
        }
      }
    }
    expect(misjudged).toEqual([]);
  });
});

describe('B11 limits, in bounded time', () => {
  function refusedWithin(budgetMs: number, bytes: Uint8Array, limits?: JsonLimits): void {
    const start = performance.now();
    expect(refusal(() => parseStrict(bytes, limits))).toBe('LIMIT_EXCEEDED');
    expect(performance.now() - start).toBeLessThan(budgetMs);
  }

  const roomy: JsonLimits = { maxBytes: 100_000_000, maxDepth: 32, maxMembers: 20_000 };

  it('refuses 50 MB by its length alone', () => {
    refusedWithin(250, new Uint8Array(50_000_000).fill(0x5b));
  });

  it('refuses a depth bomb at the limit, however long it is', () => {
    refusedWithin(250, new Uint8Array(50_000_000).fill(0x5b), roomy);
    refusedWithin(250, utf8('{"a":'.repeat(100_000)));
  });

  it('refuses a depth bomb without exhausting the stack, whatever the caller allows', () => {
    refusedWithin(250, new Uint8Array(1_000_000).fill(0x5b), { ...roomy, maxDepth: 1_000_000 });
  });

  it('refuses 10^6 keys', () => {
    const keys = Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":0`);
    const bytes = utf8(`{${keys.join(',')}}`);
    refusedWithin(250, bytes);
    refusedWithin(1_000, bytes, roomy);
  });

  it('refuses 10^6 elements', () => {
    refusedWithin(250, utf8(`[${'0,'.repeat(1_000_000)}0]`), roomy);
  });

  it('refuses a number of a million digits without reading it', () => {
    const start = performance.now();
    expect(gate('1'.repeat(1_000_000))).toBe('NUMBER_OUT_OF_PROFILE');
    expect(performance.now() - start).toBeLessThan(250);
  });

  it('takes exactly as much as a limit says', () => {
    const limits: JsonLimits = { maxBytes: 9, maxDepth: 2, maxMembers: 3 };
    expect(gate('[[1],222]', limits)).toBeUndefined();
    expect(gate('[[1],2222]', limits)).toBe('LIMIT_EXCEEDED');
    expect(gate('[[[]]]', limits)).toBe('LIMIT_EXCEEDED');
    expect(gate('[1,2,3]', limits)).toBeUndefined();
    expect(gate('[1,2,3,4]', limits)).toBe('LIMIT_EXCEEDED');
    expect(gate('{"a":{}}', { ...limits, maxMembers: 0 })).toBe('LIMIT_EXCEEDED');
  });

  it('counts depth along one path, and members over the whole document', () => {
    const limits: JsonLimits = { maxBytes: 100, maxDepth: 2, maxMembers: 6 };
    expect(gate('[[],[],[],[],[],[]]', limits)).toBeUndefined();
    expect(gate('[[1],[1],[1],[]]', limits)).toBe('LIMIT_EXCEEDED');
  });

  it('has the limits of an action', () => {
    const text = (size: number): string => `"${'x'.repeat(size - 2)}"`;
    expect(gate(text(65_536), ACTION_LIMITS)).toBeUndefined();
    expect(gate(text(65_537), ACTION_LIMITS)).toBe('LIMIT_EXCEEDED');
    expect(gate(`[${'0,'.repeat(9_999)}0]`, ACTION_LIMITS)).toBeUndefined();
    expect(gate(`[${'0,'.repeat(10_000)}0]`, ACTION_LIMITS)).toBe('LIMIT_EXCEEDED');
    expect(gate('['.repeat(32) + ']'.repeat(32), ACTION_LIMITS)).toBeUndefined();
    expect(gate('['.repeat(33) + ']'.repeat(33), ACTION_LIMITS)).toBe('LIMIT_EXCEEDED');
  });
});

describe('what the gate lets in', () => {
  it('reads what JSON.parse reads, however it is spaced and escaped', () => {
    fc.assert(
      fc.property(profileJson, fc.constantFrom('', ' ', '\t', '\r\n  '), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        const escaped = text.replace(
          /[\u0080-\uffff]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        expect(parseStrict(utf8(text))).toEqual(JSON.parse(text));
        expect(parseStrict(utf8(escaped))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('reads a string longer than one chunk of the decoder', () => {
    for (const unit of ['x', 'é', '\u{1f600}']) {
      const text = unit.repeat(10_001);
      expect(parseStrict(utf8(JSON.stringify(text)))).toBe(text);
    }
  });

  it('keeps a member __proto__ as data and hands out no inherited member', () => {
    const value = parseStrict(utf8('{"__proto__":{"isAdmin":true}}'));
    expect(canonicalText(value)).toBe('{"__proto__":{"isAdmin":true}}');
    expect(value).not.toHaveProperty('isAdmin');
    const empty = parseStrict(utf8('{}'));
    for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__']) {
      expect(Reflect.get(Object(empty) as object, name)).toBeUndefined();
    }
    expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
  });

  it('never answers a damaged document with anything but its own error', () => {
    const document = fc.tuple(profileJson, fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(document, ([value, position, byte]) => {
        const bytes = Uint8Array.from(canonicalBytes(value));
        bytes[position % bytes.length] = byte;
        refusal(() => parseStrict(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('gives each single-bit flip of a canonical document another value or a refusal', () => {
    const text = '{"a":[1,-20,"é\\n\u{1f600}",{"b":null,"c":true}],"d":"\\u001f"}';
    const original = canonicalBytes(parseStrict(utf8(text)));
    for (let bit = 0; bit < original.length * 8; bit += 1) {
      const bytes = Uint8Array.from(original);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let canonical: string | undefined;
      const code = refusal(() => (canonical = canonicalText(parseCanonical(bytes))));
      expect(code === undefined).toBe(canonical !== undefined);
      expect(canonical).not.toBe(text);
    }
  });

  it('takes arbitrary bytes without anything but its own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        refusal(() => parseStrict(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with JSON.parse on every text of JSON symbols that either takes', () => {
    const symbol = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-',
      ' ',
      'null',
    );
    fc.assert(
      fc.property(fc.array(symbol, { maxLength: 9 }), (symbols) => {
        const text = symbols.join('');
        const code = gate(text);
        const isJson = refusesNothing(() => JSON.parse(text));
        if (code === undefined) expect(isJson).toBe(true);
        if (isJson) expect([undefined, 'DUPLICATE_KEY', 'NUMBER_OUT_OF_PROFILE']).toContain(code);
      }),
      { numRuns: 3_000 },
    );
  });
});

function refusesNothing(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}
