import { CanonicalError } from './canonical-error.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 26 digits hold 130 bits, two more than a ULID has: so the first is at most 7. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

const TIME_DIGITS = 10;
const MAX_TIME_MS = 2 ** 48 - 1;
const RANDOM_BYTES = 10;

export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** @throws {CanonicalError} ULID_FORMAT */
export function ulidTimeMs(text: string): number {
  if (!isUlid(text)) {
    throw new CanonicalError('ULID_FORMAT', 'expected 26 upper-case Crockford digits up to 2^128');
  }
  let timeMs = 0;
  for (const digit of text.slice(0, TIME_DIGITS)) timeMs = timeMs * 32 + ALPHABET.indexOf(digit);
  return timeMs;
}

/**
 * A ULID of this time and these 10 random bytes; both are the caller's, so that this package stays pure.
 * @throws {CanonicalError} ULID_FORMAT
 */
export function makeUlid(timeMs: number, random: Uint8Array): string {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0 || timeMs > MAX_TIME_MS) {
    throw new CanonicalError('ULID_FORMAT', 'expected a time of 48 bits in milliseconds');
  }
  if (random.length !== RANDOM_BYTES) {
    throw new CanonicalError('ULID_FORMAT', `expected 10 random bytes, got ${random.length}`);
  }
  return timeDigits(timeMs) + randomDigits(random);
}

function timeDigits(timeMs: number): string {
  let text = '';
  let rest = timeMs;
  for (let i = 0; i < TIME_DIGITS; i += 1) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function randomDigits(random: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of random) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((held >> bits) & 0x1f);
    }
  }
  return text;
}
