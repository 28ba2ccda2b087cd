import { utf8ToBytes } from '@noble/hashes/utils.js';
import { latin1Text } from './latin1.ts';
import { CanonicalError } from './canonical-error.ts';

/** With the `u` flag a pair is one code point, so this finds lone surrogates only. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;

/** Arguments of one String.fromCharCode call; engines bound the argument count by their stack. */
const CHUNK = 4096;

/** Below this many characters the platform's own encoder takes longer to be called than to write. */
const SHORT_TEXT = 48;

export const INVALID = -1;

/** Lengths of the sequence and smallest code point it may carry; anything smaller is overlong. */
const SMALLEST = [0, 0, 0x80, 0x800, 0x10000] as const;

export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

function sequenceLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** The code point of the multi-byte sequence at `at`, or INVALID: truncated, overlong, surrogate, beyond U+10FFFF. */
export function multiByteAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = sequenceLength(lead);
  if (length === 0) return INVALID;
  let point = lead & (0x7f >> length);
  for (let i = 1; i < length; i += 1) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return INVALID;
    point = (point << 6) | (next & 0x3f);
  }
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  return point < (SMALLEST[length] ?? 0) || point > 0x10ffff || isSurrogate ? INVALID : point;
}

/** How many bytes UTF-8 takes for a code point above U+007F. */
export function multiByteLength(point: number): number {
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

export function pushCodePoint(units: number[], point: number): void {
  if (point < 0x10000) {
    units.push(point);
    return;
  }
  const offset = point - 0x10000;
  units.push(0xd800 | (offset >> 10), 0xdc00 | (offset & 0x3ff));
}

export function textOfUnits(units: readonly number[]): string {
  if (units.length <= CHUNK) return String.fromCharCode(...units);
  let text = '';
  for (let from = 0; from < units.length; from += CHUNK) {
    text += String.fromCharCode(...units.slice(from, from + CHUNK));
  }
  return text;
}

/** @throws {CanonicalError} TEXT_ENCODING for a lone surrogate, which UTF-8 cannot carry. */
export function utf8(text: string): Uint8Array {
  if (text.length <= SHORT_TEXT) {
    const bytes = new Uint8Array(text.length);
    if (writeAscii(text, bytes)) return bytes;
  }
  if (hasLoneSurrogate(text)) {
    throw new CanonicalError('TEXT_ENCODING', 'expected well-formed text, got a lone surrogate');
  }
  return utf8ToBytes(text);
}

/** Whether the text is all ASCII, and so was written in full. */
function writeAscii(text: string, bytes: Uint8Array): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) return false;
    bytes[at] = unit;
  }
  return true;
}

/**
 * Strict decoding: nothing is replaced and nothing is dropped, so `utf8(fromUtf8(bytes))` equals `bytes`.
 * @throws {CanonicalError} TEXT_ENCODING
 */
export function fromUtf8(bytes: Uint8Array): string {
  let at = 0;
  while (at < bytes.length && (bytes[at] ?? 0) < 0x80) at += 1;
  const ascii = latin1Text(bytes.subarray(0, at));
  return at === bytes.length ? ascii : ascii + mixedText(bytes, at);
}

function mixedText(bytes: Uint8Array, from: number): string {
  const units: number[] = [];
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) {
      units.push(byte);
      at += 1;
      continue;
    }
    const point = multiByteAt(bytes, at);
    if (point === INVALID) {
      throw new CanonicalError(
        'TEXT_ENCODING',
        `byte ${at}: expected UTF-8, got 0x${byte.toString(16)}`,
      );
    }
    pushCodePoint(units, point);
    at += multiByteLength(point);
  }
  return textOfUnits(units);
}
