/**
 * Sizes and positions are plain numbers, because the ledger's JSON knows integers up to 2^53-1 and
 * no tree of ours can be larger; a larger one is refused where it is read. JavaScript's bit operators
 * work on 32 bits and must never touch them: these functions are used instead.
 */
export function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function isOdd(value: number): boolean {
  return value % 2 === 1;
}

export function halve(value: number): number {
  return Math.floor(value / 2);
}

export function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest > 1 && !isOdd(rest)) rest = halve(rest);
  return rest === 1;
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/** Reads an unsigned decimal with no leading zero; undefined for anything else and above 2^53-1. */
export function parsePosition(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
