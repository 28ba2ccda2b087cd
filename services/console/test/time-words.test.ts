import { describe, expect, it } from 'vitest';
import { timeLeft } from '@countersign/console';

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
