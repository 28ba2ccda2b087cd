import { integer, invalid, list, matching, object, optional, type Shape } from './shape.ts';

/** Each day from the first time, to the second, which is out of it: times of UTC. */
interface QuietHours {
  readonly from: string;
  readonly to: string;
}

/** How far a rule lets its persons be asked: schemas/formats/policy.md §13. */
export interface Asking {
  /** From so many prompts within an hour on, a person is asked for nothing more of this rule. */
  readonly prompts_1h_max?: number;
  /** How many requests of one agent and type are open at once. */
  readonly open_max?: number;
  readonly quiet_utc?: readonly QuietHours[];
}

const PROMPTS_MAX = 10_000;
const OPEN_MAX = 1_000;
const QUIET_MAX = 8;
const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;

const timeOfDay = matching(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of 00:00 to 23:59');

const members: Shape<Asking> = object<Asking>({
  prompts_1h_max: optional(integer(1, PROMPTS_MAX)),
  open_max: optional(integer(1, OPEN_MAX)),
  quiet_utc: optional(
    list(object<QuietHours>({ from: timeOfDay, to: timeOfDay }), { min: 1, max: QUIET_MAX }),
  ),
});

export const asking: Shape<Asking> = (json, path) => {
  const limits = members(json, path);
  if (Object.keys(limits).length === 0) throw invalid(path, 'a limit');
  const { quiet_utc: quiet = [] } = limits;
  const isAny = quiet.every(({ from, to }) => from !== to);
  // Whoever wants to forbid something for ever gives it no rule.
  if (!isAny || (quiet.length > 0 && endOf(quiet, 0) === undefined)) {
    throw invalid(`${path}/quiet_utc`, 'a time of the day that is not quiet');
  }
  return limits;
};

/** When the quiet hours around a moment end: undefined where it is not in any, and for those of several rules that never end `never`. */
export function quietUntilMs(
  { quiet_utc: quiet = [] }: Asking,
  atMs: number,
): number | 'never' | undefined {
  const minute = Math.floor(atMs / MINUTE_MS);
  const end = endOf(quiet, minute);
  if (end === undefined) return 'never';
  return end === minute ? undefined : end * MINUTE_MS;
}

/** The first minute from this one on that is in none of these; undefined where there is no such minute. */
function endOf(quiet: readonly QuietHours[], minute: number): number | undefined {
  let end = minute;
  while (end < minute + DAY_MINUTES) {
    const hours = quiet.find((each) => leftOf(each, end) > 0);
    if (hours === undefined) return end;
    end += leftOf(hours, end);
  }
  return undefined;
}

/** How many minutes of it are left. */
function leftOf({ from, to }: QuietHours, minute: number): number {
  const length = modulo(minuteIn(to) - minuteIn(from));
  return Math.max(0, length - modulo(minute - minuteIn(from)));
}

function minuteIn(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

function modulo(minutes: number): number {
  return ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
}

/** Each limit of both, the smaller one where both have it. */
export function joinedAsking(one: Asking = {}, other: Asking = {}): Asking | undefined {
  const least = (some: number | undefined, more: number | undefined): number | undefined =>
    some === undefined || more === undefined ? (some ?? more) : Math.min(some, more);
  const prompts = least(one.prompts_1h_max, other.prompts_1h_max);
  const open = least(one.open_max, other.open_max);
  const quiet = [...(one.quiet_utc ?? []), ...(other.quiet_utc ?? [])];
  const both = {
    ...(prompts !== undefined && { prompts_1h_max: prompts }),
    ...(open !== undefined && { open_max: open }),
    ...(quiet.length > 0 && { quiet_utc: quiet }),
  };
  return Object.keys(both).length === 0 ? undefined : both;
}
