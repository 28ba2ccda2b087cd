import { Latin1Scratch, latin1Text } from './latin1.ts';
import { hexToBytes } from '@noble/hashes/utils.js';
import { CanonicalError } from './canonical-error.ts';
import { utf8 } from './utf8.ts';

const DIGITS = utf8('0123456789abcdef');

/** Enough for a digest. */
const SCRATCH = new Latin1Scratch(128);

const LOWER_CASE_PAIRS = /^(?:[0-9a-f]{2})*$/;

export function toHex(bytes: Uint8Array): string {
  const size = bytes.length * 2;
  const codes = size > SCRATCH.bytes.length ? new Uint8Array(size) : SCRATCH.bytes;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    codes[at * 2] = DIGITS[byte >> 4] ?? 0;
    codes[at * 2 + 1] = DIGITS[byte & 0xf] ?? 0;
  }
  return codes === SCRATCH.bytes ? SCRATCH.text(size) : latin1Text(codes);
}

/** @throws {CanonicalError} ENCODING_FORMAT for anything but pairs of lower-case digits */
export function fromHex(text: string): Uint8Array {
  if (!LOWER_CASE_PAIRS.test(text)) {
    throw new CanonicalError('ENCODING_FORMAT', 'hex: expected pairs of lower-case digits');
  }
  return hexToBytes(text);
}
