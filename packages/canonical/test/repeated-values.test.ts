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
import { Gate } from '../src/json-gate.ts';
import type { RepeatedReader } from '../src/repeated-values.ts';
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

class CountedValues extends RepeatedValues {
  steps = (): number => 0;

  override reader(bytes: Uint8Array): RepeatedReader {
    const reader = super.reader(bytes);
    this.steps = () => reader.steps;
    return reader;
  }
}

const WIDE = { maxBytes: 4_000_000, maxDepth: 6, maxMembers: 100_000 };

/** Of one length, equal in all but two bytes near the end, where none of the few bytes looked at first is. */
function lookAlikes(count: number, from: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const digits = String(from + at).padStart(5, '0');
    return `{"document":["${'x'.repeat(2_000)}${digits}${'x'.repeat(20)}"]}`;
  });
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

  it('take at most two steps a byte, whatever the document is made of', () => {
    const repeated = new CountedValues({ document: 64 });
    parseStrict(utf8(`[${lookAlikes(64, 0).join(',')}]`), WIDE, repeated);
    expect(repeated.steps()).toBeGreaterThan(64 * 2_000);
    const bytes = utf8(`[${lookAlikes(1_000, 64).join(',')}]`);
    expect(parseStrict(bytes, WIDE, repeated)).toEqual(parseStrict(bytes, WIDE));
    expect(repeated.steps()).toBeLessThanOrEqual(2 * bytes.length);
    const small = utf8(`[${Array<string>(20_000).fill('{"document":[]}').join(',')}]`);
    parseStrict(small, WIDE, repeated);
    expect(repeated.steps()).toBeLessThanOrEqual(2 * small.length);
  });

  it('are looked for only where an object or an array begins', () => {
    const repeated = new CountedValues({ document: 64 });
    parseStrict(utf8(`[${lookAlikes(16, 0).join(',')}]`), WIDE, repeated);
    parseStrict(utf8('[{"document":0},{"document":"x"},{"document": null}]'), WIDE, repeated);
    expect(repeated.steps()).toBe(0);
  });

  it('are never used where canonical bytes are judged', () => {
    const repeated = new RepeatedValues({ document: 2 });
    const bytes = utf8(`{"document": ${JSON.stringify(DOCUMENT)}}`);
    parseStrict(bytes, LIMITS, repeated);
    expect(() => new Gate(bytes, LIMITS, repeated).canonicalDocument()).toThrow(TypeError);
    expect(refusal(() => new Gate(bytes, LIMITS).canonicalDocument())).toBe('NOT_CANONICAL');
  });
});
