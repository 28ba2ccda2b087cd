import { span } from './time-words.ts';

interface Standing {
  readonly principal?: string | undefined;
  readonly isOfSecondGroup: boolean;
}

/** Behind the name of who decided: in whose place, and whether they could only because the request went on to others. */
export function standingWords({ principal, isOfSecondGroup }: Standing): string {
  return `${inPlaceWords(principal)}${isOfSecondGroup ? ' of the second group' : ''}`;
}

/** In whose place, if not in their own. */
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
