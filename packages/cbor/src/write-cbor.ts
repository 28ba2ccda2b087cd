import { concatBytes, utf8 } from '@countersign/canonical';
import type { CborValue } from './cbor.ts';
import { CborError } from './cbor-error.ts';

const SIMPLE = new Map<unknown, number>([
  [false, 20],
  [true, 21],
  [null, 22],
]);

/**
 * Writes one data item in its one deterministic form (RFC 8949 §4.2.1): shortest heads, the names of a map in the order of their
 * bytes. What `readCbor` refuses for its values is refused here, too.
 *
 * @throws CborError `CBOR_MALFORMED`
 * @example const bytes = writeCbor([1, null]); // 82 01 f6
 */
export function writeCbor(value: CborValue): Uint8Array {
  if (typeof value === 'number') return integer(value);
  if (typeof value === 'string') return string(3, utf8(value));
  if (value instanceof Uint8Array) return string(2, value);
  if (Array.isArray(value)) return concatBytes(head(4, value.length), ...value.map(writeCbor));
  if (value instanceof Map) return map(value);
  return head(7, SIMPLE.get(value) ?? 0);
}

function integer(value: number): Uint8Array {
  const argument = value < 0 ? -1 - value : value;
  if (!Number.isSafeInteger(value) || argument >= Number.MAX_SAFE_INTEGER) {
    throw new CborError('expected an integer of at most 53 bits to write as CBOR, got another');
  }
  return head(value < 0 ? 1 : 0, argument);
}

function string(major: number, bytes: Uint8Array): Uint8Array {
  return concatBytes(head(major, bytes.length), bytes);
}

function map(value: ReadonlyMap<number | string, CborValue>): Uint8Array {
  const members = [...value].map(([name, member]) => ({
    name: writeCbor(name),
    member: writeCbor(member),
  }));
  const sorted = members.sort((one, other) => compareBytes(one.name, other.name));
  return concatBytes(head(5, value.size), ...sorted.flatMap(({ name, member }) => [name, member]));
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, place) => byte !== other[place]);
  return at < 0 ? one.length - other.length : (one[at] ?? 0) - (other[at] ?? -1);
}

function head(major: number, argument: number): Uint8Array {
  const type = major * 32;
  if (argument < 24) return Uint8Array.of(type + argument);
  const width = [1, 2, 4, 8].find((bytes) => argument < 256 ** bytes) ?? 8;
  const bytes = new Uint8Array(1 + width);
  bytes[0] = type + 24 + Math.log2(width);
  for (let at = width, rest = argument; at > 0; at -= 1, rest = Math.floor(rest / 256)) {
    bytes[at] = rest % 256;
  }
  return bytes;
}
