import { isTimestamp } from '@countersign/canonical';
import { cliError } from '../cli-error.ts';

export interface PeriodOptions {
  readonly from?: string;
  readonly to?: string;
}

/** A day, which begins at midnight in UTC, or a time of the ledger. */
export function timeParser(name: string): (text: string) => string {
  return (text) => {
    const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00.000Z` : text;
    if (isTimestamp(time)) return time;
    throw cliError('USAGE', `${name}: expected a time like 2026-11-01 or 2026-11-01T12:00:00.000Z`);
  };
}

/** @throws CliError USAGE */
export function periodIn({ from, to }: PeriodOptions): PeriodOptions {
  if (from !== undefined && to !== undefined && from >= to) {
    throw cliError('USAGE', `--to: expected a time after ${from}`);
  }
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
