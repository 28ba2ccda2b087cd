import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromBase64url, toBase64, toBase64url, utf8 } from '../src/index.ts';
import { refusal } from './refusal.ts';

describe('base64', () => {
  it('writes what the platform writes and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const platform = Buffer.from(bytes);
        expect(toBase64(bytes)).toBe(platform.toString('base64'));
        expect(toBase64url(bytes)).toBe(platform.toString('base64url'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
        expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
      }),
    );
  });

  it('takes exactly the texts that the platform writes', () => {
    const letter = fc.constantFrom(
      ...['A', 'Q', 'Z', 'a', 'g', 'z', '0', '1', '8', '9'],
      ...['+', '/', '-', '_', '=', 'é', '\u0100', '\u{1f600}', '\x7f', ' '],
    );
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 14 }), (letters) => {
        const text = letters.join('');
        for (const [kind, read] of [
          ['base64', fromBase64],
          ['base64url', fromBase64url],
        ] as const) {
          const isWritten = Buffer.from(text, kind).toString(kind) === text;
          expect(refusal(() => read(text))).toBe(isWritten ? undefined : 'ENCODING_FORMAT');
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('has the vectors of RFC 4648 §10', () => {
    const texts = ['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'];
    texts.forEach((text, size) => {
      expect(toBase64(utf8('foobar'.slice(0, size)))).toBe(text);
    });
  });

  it.each([
    'Zg',
    'Zg=',
    'Zg===',
    'Z===',
    '====',
    '=',
    'Zh==',
    'Zm9=',
    'Zm8=\n',
    'Zm 8',
    'Zm-_',
    'Zm=8',
    'Zmé=',
  ])('refuses %j', (text) => {
    expect(refusal(() => fromBase64(text))).toBe('ENCODING_FORMAT');
  });

  it.each(['Zg==', 'Z', 'Zh', 'Zm9', 'Zm8=', 'Zm+/', 'Zm8\n', ' Zm8', 'Zm9vY', '\u{1f600}'])(
    'refuses %j as base64url',
    (text) => {
      expect(refusal(() => fromBase64url(text))).toBe('ENCODING_FORMAT');
    },
  );

  it('gives no bytes two texts', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ABYZabyz0189_+/=-]{0,8}$/), (text) => {
        if (refusal(() => fromBase64url(text)) === undefined) {
          expect(toBase64url(fromBase64url(text))).toBe(text);
        }
        if (refusal(() => fromBase64(text)) === undefined) {
          expect(toBase64(fromBase64(text))).toBe(text);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
