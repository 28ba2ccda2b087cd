const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** How long until a time, in words, rounded down: nobody is told that there is more time than there is. */
export function timeLeft(untilMs: number, nowMs: number): string {
  const seconds = Math.floor((untilMs - nowMs) / 1_000);
  if (seconds <= 0) return 'no time left';
  return `${span(seconds)} left`;
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
