import { afterEach, describe, expect, it } from 'vitest';
import { fromUtf8, parseStrict, useLatin1Reader, utf8 } from '../src/index.ts';

type Reader = (start: number, end: number) => string;

function platformReader(bytes: Uint8Array): Reader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (start, end) => view.toString('latin1', start, end);
}

afterEach(() => {
  useLatin1Reader(platformReader);
});

describe("the platform's reader of Latin-1", () => {
  it('is used once it is handed in, and changes no text', () => {
    const text = 'checked the plan with the on-call';
    const before = fromUtf8(utf8(text));
    let calls = 0;
    useLatin1Reader((bytes) => {
      const read = platformReader(bytes);
      return (start, end) => {
        calls += 1;
        return read(start, end);
      };
    });
    const compared = calls;
    expect(fromUtf8(utf8(text))).toBe(before);
    expect(parseStrict(utf8(`["${text}","\\"${text}"]`))).toEqual([text, `"${text}`]);
    expect(calls).toBe(compared + 3);
  });

  it('is refused when it reads something else, and nothing changes', () => {
    const forgetsTheView = (bytes: Uint8Array): Reader => {
      const whole = Buffer.from(bytes.buffer);
      return (start, end) => whole.toString('latin1', start, end);
    };
    const knowsAsciiOnly = (bytes: Uint8Array): Reader => {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return (start, end) => view.toString('ascii', start, end);
    };
    const takesOneMore = (bytes: Uint8Array): Reader => {
      const read = platformReader(bytes);
      return (start, end) => read(start, end + 1);
    };
    for (const other of [forgetsTheView, knowsAsciiOnly, takesOneMore]) {
      expect(() => {
        useLatin1Reader(other);
      }).toThrow(RangeError);
    }
    expect(fromUtf8(utf8('a text longer than a word'))).toBe('a text longer than a word');
  });
});
