import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../src/index.ts';
import { refusal } from './refusal.ts';

describe('utf8', () => {
  it('writes what the platform writes and reads it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = utf8(text);
        expect(Buffer.from(bytes).toString('utf8')).toBe(text);
        expect(fromUtf8(bytes)).toBe(text);
      }),
    );
  });

  it('reads as strictly as the platform', () => {
    const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const byte = fc.oneof(
      fc.nat({ max: 255 }),
      fc.constantFrom(0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0x80, 0xbf),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 6 }), (values) => {
        const bytes = Uint8Array.from(values);
        let expected: string | undefined;
        try {
          expected = platform.decode(bytes);
        } catch {
          expect(refusal(() => fromUtf8(bytes))).toBe('TEXT_ENCODING');
          return;
        }
        expect(fromUtf8(bytes)).toBe(expected);
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses to write a lone surrogate', () => {
    for (const text of ['\ud800', 'a\udfff', '\ude00\ud83d']) {
      expect(refusal(() => utf8(text))).toBe('TEXT_ENCODING');
    }
  });
});
