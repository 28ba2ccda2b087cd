import { concatBytes } from '@countersign/canonical';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** An integer below the group order takes this many bytes and, with its top bit set, one more for the sign. */
const ORDER_BYTES = 32;

/**
 * Whether these bytes are DER of SEQUENCE { INTEGER r, INTEGER s } with two positive integers in their shortest form
 * and nothing after them. That r and s lie below the group order is for the signature check itself.
 */
export function isDerSignature(bytes: Uint8Array): boolean {
  if (bytes[0] !== SEQUENCE || bytes[1] !== bytes.length - 2) return false;
  const afterR = afterPositiveInteger(bytes, 2);
  return afterR !== undefined && afterPositiveInteger(bytes, afterR) === bytes.length;
}

/** DER of SEQUENCE { INTEGER r, INTEGER s }, of numbers that are written as DER writes them. */
export function derOfIntegers(r: Uint8Array, s: Uint8Array): Uint8Array {
  const numbers = [r, s].flatMap((number) => [Uint8Array.of(INTEGER, number.length), number]);
  return concatBytes(Uint8Array.of(SEQUENCE, r.length + s.length + 4), ...numbers);
}

function afterPositiveInteger(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes[offset] !== INTEGER) return undefined;
  const start = offset + 2;
  const end = start + (bytes[offset + 1] ?? 0);
  return end <= bytes.length && isPositiveInteger(bytes.subarray(start, end)) ? end : undefined;
}

function isPositiveInteger(content: Uint8Array): boolean {
  const [first, second] = content;
  if (first === undefined || first >= 0x80) return false;
  const isPadded = first === 0;
  // A leading zero is there for the sign of the next byte, and for nothing else.
  if (isPadded && (second === undefined || second < 0x80)) return false;
  return content.length <= (isPadded ? ORDER_BYTES + 1 : ORDER_BYTES);
}
