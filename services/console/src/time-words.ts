const MINUTE_S = 60;
const MINUTE_MS = 60_000;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** How long until a time, in words, rounded down: nobody is told that there is more time than there is. */
export function timeLeft(untilMs: number, nowMs: number): string {
  const seconds = Math.floor((untilMs - nowMs) / 1_000);
  if (seconds <= 0) return 'no time left';
  return `${span(seconds)} left`;
}

/** The same without seconds, as long as there is a minute left. */
export function timeLeftInMinutes(untilMs: number, nowMs: number): string {
  const leftMs = untilMs - nowMs;
  return timeLeft(leftMs < MINUTE_MS ? untilMs : untilMs - (leftMs % MINUTE_MS), nowMs);
}

/** How long ago, in its largest unit. Clocks differ a little, so the future is now. */
export function age(atMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - atMs) / 1_000);
  if (seconds < MINUTE_S) return 'just now';
  const unit = seconds < HOUR_S ? MINUTE_S : seconds < DAY_S ? HOUR_S : DAY_S;
  return `${span(seconds - (seconds % unit))} ago`;
}

/** A length of time in its two largest units. */
export function span(seconds: number): string {
  const parts = [
    part(Math.floor(seconds / DAY_S), 'day'),
    part(Math.floor((seconds % DAY_S) / HOUR_S), 'hour'),
    part(Math.floor((seconds % HOUR_S) / MINUTE_S), 'minute'),
    part(seconds % MINUTE_S, 'second'),
  ];
  const first = parts.findIndex((text) => text !== '');
  return first < 0
    ? '0 seconds'
    : parts
        .slice(first, first + 2)
        .filter((text) => text !== '')
        .join(' ');
}

function part(count: number, unit: string): string {
  if (count === 0) return '';
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** A time of the ledger as people write it, to the second, always in UTC. */
export function utcTime(timestamp: string): string {
  return `${timestamp.slice(0, 10)} ${timestamp.slice(11, 19)} UTC`;
}
