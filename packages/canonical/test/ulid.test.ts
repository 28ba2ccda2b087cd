import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUlid, makeUlid, ulidTimeMs } from '../src/index.ts';
import { refusal } from './refusal.ts';

const MAX_TIME_MS = 2 ** 48 - 1;

const random = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('ULID', () => {
  it('has the time of the published example', () => {
    expect(ulidTimeMs('01ARYZ6S410000000000000000')).toBe(1469918176385);
    expect(makeUlid(1469918176385, new Uint8Array(10))).toBe('01ARYZ6S410000000000000000');
  });

  it('goes from the first to the last of 128 bits', () => {
    expect(makeUlid(0, new Uint8Array(10))).toBe('0'.repeat(26));
    expect(makeUlid(MAX_TIME_MS, new Uint8Array(10).fill(255))).toBe(`7${'Z'.repeat(25)}`);
    expect(ulidTimeMs(`7${'Z'.repeat(25)}`)).toBe(MAX_TIME_MS);
  });

  it('writes its 128 bits in Crockford base32', () => {
    const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    fc.assert(
      fc.property(fc.nat({ max: MAX_TIME_MS }), random, (timeMs, bytes) => {
        const ulid = makeUlid(timeMs, bytes);
        expect(isUlid(ulid)).toBe(true);
        expect(ulidTimeMs(ulid)).toBe(timeMs);
        const value = Array.from(ulid).reduce(
          (sum, digit) => sum * 32n + BigInt(digits.indexOf(digit)),
          0n,
        );
        const hex = Buffer.from(bytes).toString('hex');
        expect(value).toBe((BigInt(timeMs) << 80n) | BigInt(`0x${hex}`));
      }),
    );
  });

  it.each([
    '',
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    '01aryz6s410000000000000000',
    '01ARYZ6S41000000000000000',
    '01ARYZ6S4100000000000000000',
    '01ARYZ6S41000000000000000I',
    '01ARYZ6S41000000000000000L',
    '01ARYZ6S41000000000000000O',
    '01ARYZ6S41000000000000000U',
    '01ARYZ6S410000000000000000\n',
  ])('refuses %j', (text) => {
    expect(isUlid(text)).toBe(false);
    expect(refusal(() => ulidTimeMs(text))).toBe('ULID_FORMAT');
  });

  it('refuses a time or random bytes of another size', () => {
    for (const timeMs of [-1, 0.5, NaN, MAX_TIME_MS + 1]) {
      expect(refusal(() => makeUlid(timeMs, new Uint8Array(10)))).toBe('ULID_FORMAT');
    }
    for (const size of [0, 9, 11]) {
      expect(refusal(() => makeUlid(0, new Uint8Array(size)))).toBe('ULID_FORMAT');
    }
  });
});
