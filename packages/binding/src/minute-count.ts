import { object, integer, list, type Shape } from './shape.ts';

/** How many in one minute of ledger time. */
export interface MinuteCount {
  readonly minute: number;
  readonly count: number;
}

const MINUTE_MS = 60_000;
export const HOUR_MINUTES = 60;

export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}

/** In whatever order they come: a snapshot keeps its records by id. Kept are so many minutes, up to the newest. */
export function withCount(
  before: readonly MinuteCount[],
  { minute, count }: MinuteCount,
  kept: number,
): readonly MinuteCount[] {
  const newest = Math.max(minute, before.at(-1)?.minute ?? 0);
  const counted = new Map(before.map((each) => [each.minute, each.count]));
  counted.set(minute, (counted.get(minute) ?? 0) + count);
  return [...counted]
    .filter(([at]) => at > newest - kept)
    .sort(([a], [b]) => a - b)
    .map(([at, sum]) => ({ minute: at, count: sum }));
}

/** Of these, those of so many minutes up to this one. */
export function recentMinutes(
  minutes: readonly MinuteCount[],
  now: number,
  span: number = HOUR_MINUTES,
): readonly MinuteCount[] {
  return minutes.filter(({ minute }) => minute > now - span);
}

export function sumOf(minutes: readonly MinuteCount[]): number {
  return minutes.reduce((sum, { count }) => sum + count, 0);
}

export const minuteCounts: Shape<readonly MinuteCount[]> = list(
  object<MinuteCount>({ minute: integer(0), count: integer(1) }),
  { min: 1, max: HOUR_MINUTES },
);
