import { concatBytes } from '@countersign/canonical';

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** The ASN.1 DER form of an ECDSA signature that COSE writes as r ‖ s, both of one length (RFC 9053 §2.1). */
export function derSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const content = concatBytes(derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half)));
  return concatBytes(Uint8Array.of(SEQUENCE, content.length), content);
}

function derInteger(bigEndian: Uint8Array): Uint8Array {
  const first = bigEndian.findIndex((byte) => byte !== 0);
  const shortest = bigEndian.subarray(first < 0 ? bigEndian.length - 1 : first);
  // Integers are signed: a top bit that is set would make it negative.
  const content = (shortest[0] ?? 0) < 0x80 ? shortest : concatBytes(Uint8Array.of(0), shortest);
  return concatBytes(Uint8Array.of(INTEGER, content.length), content);
}
