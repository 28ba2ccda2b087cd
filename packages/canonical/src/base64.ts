import { latin1Text } from './latin1.ts';
import { CanonicalError } from './canonical-error.ts';
import { utf8 } from './utf8.ts';

const SHARED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const STANDARD = `${SHARED}+/`;
const URL_SAFE = `${SHARED}-_`;

const NO_DIGIT = 0xff;
const MAX_DIGIT = 0x3f;

function digitsOf(alphabet: string): Uint8Array {
  const digits = new Uint8Array(128).fill(NO_DIGIT);
  for (let i = 0; i < alphabet.length; i += 1) digits[alphabet.charCodeAt(i)] = i;
  return digits;
}

const STANDARD_LETTERS = utf8(STANDARD);
const URL_SAFE_LETTERS = utf8(URL_SAFE);
const STANDARD_DIGITS = digitsOf(STANDARD);
const URL_SAFE_DIGITS = digitsOf(URL_SAFE);

function encode(bytes: Uint8Array, letters: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  let held = 0;
  let bits = 0;
  let size = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0x3fff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      codes[size] = letters[(held >> bits) & 0x3f] ?? 0;
      size += 1;
    }
  }
  if (bits > 0) codes[size] = letters[(held << (6 - bits)) & 0x3f] ?? 0;
  // At once: a text that grows letter by letter is a chain of pieces, each as large as a digest.
  return latin1Text(codes);
}

/** One set of four letters at a time: a wrong one has set bits above the six of a digit, and so have they all together. */
function decode(text: string, digits: Uint8Array): Uint8Array {
  const rest = text.length % 4;
  if (rest === 1) throw formatError('a length that base64 can have');
  const whole = text.length - rest;
  const bytes = new Uint8Array((whole / 4) * 3 + Math.max(0, rest - 1));
  let seen = 0;
  let size = 0;
  for (let at = 0; at < whole; at += 4) {
    const first = digits[text.charCodeAt(at)] ?? NO_DIGIT;
    const second = digits[text.charCodeAt(at + 1)] ?? NO_DIGIT;
    const third = digits[text.charCodeAt(at + 2)] ?? NO_DIGIT;
    const fourth = digits[text.charCodeAt(at + 3)] ?? NO_DIGIT;
    seen |= first | second | third | fourth;
    bytes[size] = (first << 2) | (second >> 4);
    bytes[size + 1] = (second << 4) | (third >> 2);
    bytes[size + 2] = (third << 6) | fourth;
    size += 3;
  }
  const stray = rest === 0 ? 0 : decodeRest(text.slice(whole), digits, bytes.subarray(size));
  if (seen > MAX_DIGIT || stray > MAX_DIGIT) throw formatError('characters of the alphabet only');
  // Else several texts would stand for the same bytes.
  if (stray !== 0) throw formatError('unused bits that are zero');
  return bytes;
}

/** The last two or three letters. Answers the bits that stand for no byte, or more than a digit for a wrong letter. */
function decodeRest(text: string, digits: Uint8Array, bytes: Uint8Array): number {
  const first = digits[text.charCodeAt(0)] ?? NO_DIGIT;
  const second = digits[text.charCodeAt(1)] ?? NO_DIGIT;
  const third = text.length === 2 ? 0 : (digits[text.charCodeAt(2)] ?? NO_DIGIT);
  if ((first | second | third) > MAX_DIGIT) return NO_DIGIT;
  bytes[0] = (first << 2) | (second >> 4);
  if (text.length === 2) return second & 0xf;
  bytes[1] = (second << 4) | (third >> 2);
  return third & 0x3;
}

function formatError(expected: string): CanonicalError {
  return new CanonicalError('ENCODING_FORMAT', `base64: expected ${expected}`);
}

/** RFC 4648 §5 without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE_LETTERS);
}

/** @throws {CanonicalError} ENCODING_FORMAT for padding, other characters, or set unused bits */
export function fromBase64url(text: string): Uint8Array {
  return decode(text, URL_SAFE_DIGITS);
}

/** RFC 4648 §4 with padding. */
export function toBase64(bytes: Uint8Array): string {
  const text = encode(bytes, STANDARD_LETTERS);
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/** @throws {CanonicalError} ENCODING_FORMAT for missing padding, other characters, or set unused bits */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw formatError('padding to a multiple of four');
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  return decode(text.slice(0, text.length - padding), STANDARD_DIGITS);
}
