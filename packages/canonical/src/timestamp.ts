import { CanonicalError } from './canonical-error.ts';

/** Of a day that every month has, so there is nothing more to look at. */
const EVERY_MONTH_TIMESTAMP =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const MIN_MS = Date.parse('0000-01-01T00:00:00.000Z');
const MAX_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether this is `YYYY-MM-DDTHH:MM:SS.mmmZ`, of a date that the calendar has. No leap second, no hour 24. */
export function isTimestamp(text: string): boolean {
  if (EVERY_MONTH_TIMESTAMP.test(text)) return true;
  if (!TIMESTAMP.test(text)) return false;
  const ms = Date.parse(text);
  // Date.parse may carry 30 February over into March; writing it again shows that.
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
}

/** @throws {CanonicalError} TIME_FORMAT */
export function timestampMs(text: string): number {
  if (!isTimestamp(text)) {
    throw new CanonicalError('TIME_FORMAT', 'expected YYYY-MM-DDTHH:MM:SS.mmmZ');
  }
  return Date.parse(text);
}

/** @throws {CanonicalError} TIME_FORMAT outside the years 0000 to 9999, or for part of a millisecond */
export function formatTimestamp(ms: number): string {
  if (!Number.isInteger(ms) || ms < MIN_MS || ms > MAX_MS) {
    throw new CanonicalError(
      'TIME_FORMAT',
      'expected whole milliseconds in the years 0000 to 9999',
    );
  }
  return new Date(ms).toISOString();
}
