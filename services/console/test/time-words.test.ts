import { describe, expect, it } from 'vitest';
import { age, timeLeft, timeLeftInMinutes } from '@countersign/console';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

describe('time left', () => {
  it.each([
    [-SECOND, 'no time left'],
    [0, 'no time left'],
    [999, 'no time left'],
    [SECOND, '1 second left'],
    [61 * SECOND, '1 minute 1 second left'],
    [15 * 60 * SECOND, '15 minutes left'],
    [HOUR + 59 * SECOND, '1 hour left'],
    [49 * HOUR + 120 * SECOND, '2 days 1 hour left'],
  ])('%i ms is %s', (leftMs, words) => {
    expect(timeLeft(leftMs, 0)).toBe(words);
  });
});

describe('time left where nobody counts seconds', () => {
  it.each([
    [59 * SECOND, '59 seconds left'],
    [60 * SECOND, '1 minute left'],
    [899 * SECOND, '14 minutes left'],
    [HOUR + 119 * SECOND, '1 hour 1 minute left'],
  ])('%i ms is %s', (leftMs, words) => {
    expect(timeLeftInMinutes(leftMs, 0)).toBe(words);
  });
});

describe('age', () => {
  it.each([
    [-SECOND, 'just now'],
    [59 * SECOND, 'just now'],
    [119 * SECOND, '1 minute ago'],
    [2 * HOUR - SECOND, '1 hour ago'],
    [49 * HOUR, '2 days ago'],
  ])('%i ms is %s', (ms, words) => {
    expect(age(0, ms)).toBe(words);
  });
});
