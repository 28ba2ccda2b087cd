/** ECDSA signatures over P-256 in both their forms: WebCrypto has r ‖ s, everything else has ASN.1 DER. */
const SCALAR_BYTES = 32;
const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** @throws RangeError unless these are the 64 bytes of r ‖ s */
export function derFromRaw(raw: Uint8Array): Uint8Array {
  if (raw.length !== 2 * SCALAR_BYTES) {
    throw new RangeError(`expected a signature of 64 bytes, got ${raw.length}`);
  }
  const body = [
    ...derInteger(raw.subarray(0, SCALAR_BYTES)),
    ...derInteger(raw.subarray(SCALAR_BYTES)),
  ];
  return Uint8Array.of(SEQUENCE, body.length, ...body);
}

/** Undefined for anything but the one DER form of two integers that fit. */
export function rawFromDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) return undefined;
  const r = integerAt(der, 2);
  const s = r === undefined ? undefined : integerAt(der, r.next);
  if (r === undefined || s?.next !== der.length) return undefined;
  const raw = new Uint8Array(2 * SCALAR_BYTES);
  raw.set(r.scalar, SCALAR_BYTES - r.scalar.length);
  raw.set(s.scalar, 2 * SCALAR_BYTES - s.scalar.length);
  return raw;
}

function derInteger(scalar: Uint8Array): number[] {
  const first = scalar.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? [0] : [...scalar.subarray(first)];
  // The highest bit is the sign.
  const unsigned = (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits;
  return [INTEGER, unsigned.length, ...unsigned];
}

function integerAt(der: Uint8Array, at: number): { scalar: Uint8Array; next: number } | undefined {
  const length = der[at + 1] ?? 0;
  const next = at + 2 + length;
  if (der[at] !== INTEGER || length === 0 || next > der.length) return undefined;
  const digits = der.subarray(at + 2, next);
  const scalar = digits[0] === 0 ? digits.subarray(1) : digits;
  const isShortest = isUnsignedShortest(digits);
  return isShortest && scalar.length <= SCALAR_BYTES ? { scalar, next } : undefined;
}

/** Not negative, and no zero in front but the one that keeps it from being negative. */
function isUnsignedShortest(digits: Uint8Array): boolean {
  const [first = 0, second = 0] = digits;
  return first === 0 ? digits.length === 1 || second >= 0x80 : first < 0x80;
}
