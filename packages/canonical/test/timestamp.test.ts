import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp, isTimestamp, timestampMs } from '../src/index.ts';
import { refusal } from './refusal.ts';

const MIN_MS = -62_167_219_200_000;
const MAX_MS = 253_402_300_799_999;

describe('timestamp', () => {
  it('comes back the same in every year', () => {
    fc.assert(
      fc.property(fc.integer({ min: MIN_MS, max: MAX_MS }), (ms) => {
        const text = formatTimestamp(ms);
        expect(text).toHaveLength(24);
        expect(timestampMs(text)).toBe(ms);
      }),
    );
  });

  it('is UTC with milliseconds', () => {
    expect(formatTimestamp(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(timestampMs('2024-02-29T23:59:59.999Z')).toBe(1709251199999);
    expect(formatTimestamp(MIN_MS)).toBe('0000-01-01T00:00:00.000Z');
    expect(formatTimestamp(MAX_MS)).toBe('9999-12-31T23:59:59.999Z');
  });

  it.each([
    '',
    '2024-02-30T00:00:00.000Z',
    '2023-02-29T00:00:00.000Z',
    '1900-02-29T00:00:00.000Z',
    '2024-04-31T00:00:00.000Z',
    '2024-13-01T00:00:00.000Z',
    '2024-00-01T00:00:00.000Z',
    '2024-01-00T00:00:00.000Z',
    '2024-01-01T24:00:00.000Z',
    '2024-01-01T00:60:00.000Z',
    '2016-12-31T23:59:60.000Z',
    '2024-01-01T00:00:00Z',
    '2024-01-01T00:00:00.00Z',
    '2024-01-01T00:00:00.0000Z',
    '2024-01-01T00:00:00.000',
    '2024-01-01T00:00:00.000z',
    '2024-01-01t00:00:00.000Z',
    '2024-01-01 00:00:00.000Z',
    '2024-01-01T00:00:00.000+00:00',
    '2024-01-01T00:00:00,000Z',
    '+02024-01-01T00:00:00.000Z',
    '2024-01-01T00:00:00.000Z\n',
    '٢٠٢٤-01-01T00:00:00.000Z',
  ])('refuses %j', (text) => {
    expect(isTimestamp(text)).toBe(false);
    expect(refusal(() => timestampMs(text))).toBe('TIME_FORMAT');
  });

  it('refuses a number that is no such time', () => {
    for (const ms of [MIN_MS - 1, MAX_MS + 1, 0.5, NaN, Infinity]) {
      expect(refusal(() => formatTimestamp(ms))).toBe('TIME_FORMAT');
    }
  });
});
