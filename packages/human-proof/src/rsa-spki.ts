import { concatBytes } from '@countersign/canonical';
import { HumanProofError } from './human-proof-error.ts';

const MIN_BITS = 2_048;
const MAX_BITS = 4_096;
/** Larger ones some verifiers do not take, and one that not everybody can check counts for nobody; authenticators use 65,537. */
const MAX_EXPONENT_BITS = 31;

/** SEQUENCE { rsaEncryption, NULL }. */
const RSA_ALGORITHM: Uint8Array = Uint8Array.from([
  0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
]);
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NO_UNUSED_BITS: Uint8Array = Uint8Array.of(0);
const POSITIVE: Uint8Array = Uint8Array.of(0);

/**
 * Builds the SubjectPublicKeyInfo of an RSA key from big-endian numbers without leading zeros.
 *
 * @throws HumanProofError with why `key`
 */
export function rsaSpki(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  assertModulus(modulus);
  assertExponent(exponent);
  const numbers = der(SEQUENCE, integer(modulus), integer(exponent));
  return der(SEQUENCE, RSA_ALGORITHM, der(BIT_STRING, NO_UNUSED_BITS, numbers));
}

function assertModulus(modulus: Uint8Array): void {
  const bits = bitLength(modulus);
  if (bits < MIN_BITS || bits > MAX_BITS || !isOdd(modulus)) {
    throw new HumanProofError(
      'key',
      `expected an odd modulus of ${MIN_BITS} to ${MAX_BITS} bits, got ${bits} bits`,
    );
  }
}

function assertExponent(exponent: Uint8Array): void {
  const bits = bitLength(exponent);
  // The one odd number of a single bit is 1.
  if (bits < 2 || bits > MAX_EXPONENT_BITS || !isOdd(exponent)) {
    throw new HumanProofError(
      'key',
      `expected an odd public exponent of 3 or more, and at most ${MAX_EXPONENT_BITS} bits`,
    );
  }
}

/** 0 for no bytes and for a number written with a leading zero: both are refused. */
function bitLength(number: Uint8Array): number {
  const first = number[0] ?? 0;
  return first === 0 ? 0 : number.length * 8 - (Math.clz32(first) - 24);
}

function isOdd(number: Uint8Array): boolean {
  return ((number.at(-1) ?? 0) & 1) === 1;
}

function integer(number: Uint8Array): Uint8Array {
  return (number[0] ?? 0) & 0x80 ? der(INTEGER, POSITIVE, number) : der(INTEGER, number);
}

function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts);
  const { length } = content;
  if (length < 0x80) return concatBytes(Uint8Array.of(tag, length), content);
  if (length < 0x100) return concatBytes(Uint8Array.of(tag, 0x81, length), content);
  return concatBytes(Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), content);
}
