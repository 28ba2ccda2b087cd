import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derFromRaw, rawFromDer } from '../src/index.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

describe('ECDSA signatures in both forms', () => {
  it('turns what WebCrypto makes into what everybody else reads, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (raw) => {
        expect(rawFromDer(derFromRaw(raw))).toEqual(raw);
      }),
    );
  });

  it('agrees with another implementation', () => {
    for (let i = 0; i < 200; i += 1) {
      const der = new Uint8Array(sign('sha256', Buffer.of(i), privateKey));
      const raw = rawFromDer(der);
      expect(raw).toHaveLength(64);
      expect(derFromRaw(raw ?? new Uint8Array())).toEqual(der);
    }
  });

  it('writes zero and a high first bit as DER has them', () => {
    const raw = new Uint8Array(64);
    raw[32] = 0x80;
    const der = derFromRaw(raw);
    expect([...der.subarray(0, 9)]).toEqual([0x30, 38, 2, 1, 0, 2, 33, 0, 0x80]);
    expect(rawFromDer(der)).toEqual(raw);
  });

  it('takes 64 bytes and no others', () => {
    expect(() => derFromRaw(new Uint8Array(63))).toThrow(RangeError);
    expect(() => derFromRaw(new Uint8Array(65))).toThrow(RangeError);
  });

  it.each([
    ['nothing', []],
    ['no sequence', [0x31, 6, 2, 1, 1, 2, 1, 1]],
    ['another length', [0x30, 7, 2, 1, 1, 2, 1, 1]],
    ['one integer', [0x30, 3, 2, 1, 1]],
    ['three integers', [0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1]],
    ['a negative integer', [0x30, 6, 2, 1, 0x80, 2, 1, 1]],
    ['a zero too many', [0x30, 7, 2, 2, 0, 1, 2, 1, 1]],
    ['an empty integer', [0x30, 5, 2, 0, 2, 1, 1]],
    ['an integer beyond the end', [0x30, 6, 2, 1, 1, 2, 9, 1]],
    ['an integer of 33 bytes', [0x30, 38, 2, 33, ...Array<number>(33).fill(1), 2, 1, 1]],
  ])('refuses %s', (_, bytes) => {
    expect(rawFromDer(Uint8Array.from(bytes))).toBeUndefined();
  });
});
