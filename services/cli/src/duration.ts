import { span } from '@countersign/console';

/** How long something took, for people: tenths of a second below a minute. */
export function duration(ms: number): string {
  const seconds = ms / 1_000;
  return seconds < 60 ? `${Math.round(seconds * 10) / 10} s` : span(Math.round(seconds));
}
