import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { CanonicalError } from './canonical-error.ts';

const LOWER_CASE_PAIRS = /^(?:[0-9a-f]{2})*$/;

export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** @throws {CanonicalError} ENCODING_FORMAT for anything but pairs of lower-case digits */
export function fromHex(text: string): Uint8Array {
  if (!LOWER_CASE_PAIRS.test(text)) {
    throw new CanonicalError('ENCODING_FORMAT', 'hex: expected pairs of lower-case digits');
  }
  return hexToBytes(text);
}
