import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, sha256 } from '../src/index.ts';

const bytes = fc.uint8Array({ maxLength: 80 });

describe('byte arrays', () => {
  it('hash as the platform does', () => {
    fc.assert(
      fc.property(bytes, (data) => {
        expect(Buffer.from(sha256(data))).toEqual(createHash('sha256').update(data).digest());
      }),
    );
  });

  it('join in order', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (parts) => {
        expect(Buffer.from(concatBytes(...parts))).toEqual(Buffer.concat(parts));
      }),
    );
  });

  it('are equal only byte for byte', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, Uint8Array.from(a))).toBe(true);
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, concatBytes(a, Uint8Array.of(0)))).toBe(false);
      }),
    );
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(0, 2), Uint8Array.of(1, 2))).toBe(false);
  });
});
