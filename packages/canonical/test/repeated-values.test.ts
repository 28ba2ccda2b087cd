import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalText,
  parseStrict,
  RepeatedValues,
  utf8,
  type Json,
  type JsonObject,
} from '../src/index.ts';
import { profileJson } from './json-arbitrary.ts';
import { refusal } from './refusal.ts';

const LIMITS = { maxBytes: 10_000, maxDepth: 6, maxMembers: 100 };
const DOCUMENT = {
  title: 'Run a command',
  lines: Array.from({ length: 20 }, (_, at) => at),
  é: 'ü',
};

function member(json: Json, name: string): Json | undefined {
  return (json as JsonObject)[name];
}

describe('values that repeat', () => {
  it('are read once, and shared', () => {
    const repeated = new RepeatedValues({ document: 2 });
    const read = (at: number): Json =>
      parseStrict(utf8(canonicalText({ at, document: DOCUMENT })), LIMITS, repeated);
    const [first, second] = [read(1), read(2)];
    expect(second).toEqual({ at: 2, document: DOCUMENT });
    expect(member(second, 'document')).toBe(member(first, 'document'));
  });

  it('cannot be changed by whoever holds one', () => {
    const repeated = new RepeatedValues({ document: 2 });
    const text = canonicalText({ document: DOCUMENT });
    const document = member(parseStrict(utf8(text), LIMITS, repeated), 'document') as {
      title: string;
      lines: number[];
    };
    expect(() => (document.title = 'other')).toThrow(TypeError);
    expect(() => document.lines.push(1)).toThrow(TypeError);
  });

  it('are told apart by every byte, and by nothing but their own', () => {
    const repeated = new RepeatedValues({ document: 8 });
    fc.assert(
      fc.property(profileJson, fc.nat(), fc.nat({ max: 255 }), (rest, place, byte) => {
        const bytes = utf8(canonicalText({ document: { document: DOCUMENT, rest }, rest }));
        bytes[place % bytes.length] = byte;
        const read = (with_?: RepeatedValues): unknown => {
          try {
            return parseStrict(bytes, LIMITS, with_);
          } catch (error) {
            return error;
          }
        };
        expect(read(repeated)).toEqual(read());
      }),
      { numRuns: 1_000 },
    );
  });

  it('count towards the limits as if they were read again', () => {
    const repeated = new RepeatedValues({ document: 2 });
    const text = (before: readonly Json[], at: string): string =>
      `{"before":${canonicalText(before)},${at.replace('@', canonicalText(DOCUMENT))}}`;
    const read = (before: number, at: string): string | undefined =>
      refusal(() => parseStrict(utf8(text(Array<Json>(before).fill(0), at)), LIMITS, repeated));
    expect(read(1, '"document":@')).toBeUndefined();
    // 2 members, 3 in the document and its 20 lines: 75 more are allowed.
    expect(read(75, '"document":@')).toBeUndefined();
    expect(read(76, '"document":@')).toBe('LIMIT_EXCEEDED');
    expect(read(1, '"a":{"b":{"c":{"document":@}}}')).toBeUndefined();
    expect(read(1, '"a":{"b":{"c":{"d":{"document":@}}}}')).toBe('LIMIT_EXCEEDED');
  });

  it('are forgotten when others came since', () => {
    const repeated = new RepeatedValues({ document: 2 });
    const read = (title: string): Json | undefined => {
      const text = canonicalText({ document: { ...DOCUMENT, title } });
      return member(parseStrict(utf8(text), LIMITS, repeated), 'document');
    };
    const first = read('first');
    read('second');
    expect(read('first')).toBe(first);
    read('third');
    expect(read('first')).toBe(first);
    read('fourth');
    read('fifth');
    expect(read('first')).not.toBe(first);
  });
});
