import { toHex } from '@countersign/canonical';

// FIPS 186-5 / SP 800-186 §3.2.1.3.
const P256_PRIME = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** Whether x and y are reduced and satisfy y² = x³ − 3x + b. P-256 has cofactor 1, so that is enough. */
export function isOnP256(xBytes: Uint8Array, yBytes: Uint8Array): boolean {
  const x = bigEndian(xBytes);
  const y = bigEndian(yBytes);
  if (x >= P256_PRIME || y >= P256_PRIME) return false;
  return (y * y - (x * x * x - 3n * x + P256_B)) % P256_PRIME === 0n;
}

const ED25519_PRIME = 2n ** 255n - 19n;

/** The y coordinates of the eight points whose order divides 8 (RFC 8032 curve): order 1, 4, 2, and 8 twice. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  ED25519_PRIME - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/**
 * Whether 32 bytes are a reduced Ed25519 point that is not of small order. Under a small-order key anybody can write
 * signatures, so a person enrolled with one could deny, and be made to seem to say, anything.
 */
export function isSafeEd25519Point(point: Uint8Array): boolean {
  const y = bigEndian(point.toReversed()) & (2n ** 255n - 1n);
  return y < ED25519_PRIME && !SMALL_ORDER_Y.has(y);
}

function bigEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}
