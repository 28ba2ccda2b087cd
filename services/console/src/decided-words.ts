import { span } from './time-words.ts';

/** Behind the name of who decided: in whose place, if not in their own. */
export function inPlaceWords(principal: string | undefined): string {
  return principal === undefined ? '' : ` in the place of ${principal}`;
}

/** For how long a device says that it showed what was decided; a decision can come without it. Nobody else has measured it. */
export function shownWords(claimedMs: number | undefined): string {
  if (claimedMs === undefined) return '';
  const seconds = Math.floor(claimedMs / 1_000);
  const time = seconds === 0 ? 'less than a second' : span(seconds);
  return `, shown for ${time} as the device claims`;
}
