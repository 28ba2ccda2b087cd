import { INVALID } from './utf8.ts';

export const QUOTE = 0x22;
export const SLASH = 0x2f;
export const BACKSLASH = 0x5c;

/** 1 for each byte that stands for itself inside a string. */
export const PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

export const ESCAPES: ReadonlyMap<number, number> = new Map([
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [SLASH, SLASH],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** By the byte behind the backslash: what a short escape of the canonical form stands for, or 0. */
export const SHORT_ESCAPES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === SLASH ? 0 : (ESCAPES.get(byte) ?? 0),
);

/** Control characters that have an escape of their own, which is then their only canonical one. */
const SHORT_ESCAPED: ReadonlySet<number> = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

export function isBetween(byte: number, low: number, high: number): boolean {
  return byte >= low && byte <= high;
}

/** Whether the character has no other escape, and needs one; in lower case, which only the last digit can show. */
export function isShortest(unit: number, lastDigit: number): boolean {
  return unit < 0x20 && !SHORT_ESCAPED.has(unit) && !isBetween(lastDigit, 0x41, 0x46);
}

export function hexDigit(byte: number): number {
  if (isBetween(byte, 0x30, 0x39)) return byte - 0x30;
  if (isBetween(byte, 0x61, 0x66)) return byte - 0x57;
  return isBetween(byte, 0x41, 0x46) ? byte - 0x37 : INVALID;
}
