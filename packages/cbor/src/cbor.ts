import { CanonicalError, fromUtf8 } from '@countersign/canonical';
import { CborError } from './cbor-error.ts';

export type CborValue =
  number | string | boolean | null | Uint8Array | CborValue[] | Map<number | string, CborValue>;

/** Extension outputs and receipts nest three or four deep; the bound is what keeps recursion finite. */
const MAX_DEPTH = 8;

export interface CborItem {
  value: CborValue;
  /** Where the bytes after the item begin; the caller says whether there may be any. */
  next: number;
}

/**
 * Reads one data item: integers, strings, arrays, maps, false, true and null, each in its shortest form.
 *
 * Indefinite lengths, tags, floats, duplicate names and integers beyond 2^53 are refused
 * (schemas/formats/human-proof.md §4): neither CTAP2 authenticators nor receipts need any of them inside.
 *
 * @throws CborError `CBOR_MALFORMED`
 * @example const { value, next } = readCbor(Uint8Array.of(0x82, 0x01, 0xf6), 0); // [1, null], 3
 */
export function readCbor(bytes: Uint8Array, offset: number): CborItem {
  return readItem(bytes, offset, 0);
}

function readItem(bytes: Uint8Array, offset: number, depth: number): CborItem {
  if (depth > MAX_DEPTH) throw malformed(`CBOR deeper than ${MAX_DEPTH}`);
  const head = readHead(bytes, offset);
  switch (head.major) {
    case 0:
      return { value: head.argument, next: head.next };
    case 1:
      return { value: -1 - head.argument, next: head.next };
    case 2:
      return readBytes(bytes, head);
    case 3:
      return readText(bytes, head);
    case 4:
      return readArray(bytes, head, depth);
    case 5:
      return readMap(bytes, head, depth);
    case 7:
      return readSimple(head);
    default:
      throw malformed('a CBOR tag where none is allowed');
  }
}

interface Head {
  major: number;
  argument: number;
  next: number;
}

function readHead(bytes: Uint8Array, offset: number): Head {
  const initial = bytes[offset];
  if (initial === undefined) throw malformed('CBOR ends early');
  const major = initial >> 5;
  const info = initial & 0x1f;
  if (info < 24) return { major, argument: info, next: offset + 1 };
  if (info > 27) throw malformed('CBOR of indefinite or reserved length');
  const width = 2 ** (info - 24);
  let argument = 0;
  for (let i = 1; i <= width; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined) throw malformed('CBOR ends early');
    argument = argument * 256 + byte;
  }
  const smallest = width === 1 ? 24 : 2 ** (4 * width);
  if (argument < smallest || argument >= Number.MAX_SAFE_INTEGER) {
    throw malformed('a CBOR length or integer that is not in its shortest form');
  }
  return { major, argument, next: offset + 1 + width };
}

function readBytes(bytes: Uint8Array, head: Head): { value: Uint8Array; next: number } {
  const next = head.next + head.argument;
  if (next > bytes.length) throw malformed('a CBOR string ends early');
  return { value: bytes.slice(head.next, next), next };
}

function readText(bytes: Uint8Array, head: Head): CborItem {
  const { value, next } = readBytes(bytes, head);
  return { value: textOf(value), next };
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw malformed('a CBOR text that is not UTF-8', { cause: error });
  }
}

function readArray(bytes: Uint8Array, head: Head, depth: number): CborItem {
  const items: CborValue[] = [];
  let next = head.next;
  for (let i = 0; i < head.argument; i++) {
    const item = readItem(bytes, next, depth + 1);
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

function readMap(bytes: Uint8Array, head: Head, depth: number): CborItem {
  const map = new Map<number | string, CborValue>();
  let next = head.next;
  for (let i = 0; i < head.argument; i++) {
    const key = readItem(bytes, next, depth + 1);
    if (typeof key.value !== 'number' && typeof key.value !== 'string') {
      throw malformed('a CBOR map whose names are neither integers nor text');
    }
    if (map.has(key.value)) throw malformed('a CBOR map with the same name twice');
    const item = readItem(bytes, key.next, depth + 1);
    map.set(key.value, item.value);
    next = item.next;
  }
  return { value: map, next };
}

const SIMPLE: ReadonlyMap<number, boolean | null> = new Map([
  [20, false],
  [21, true],
  [22, null],
]);

function readSimple(head: Head): CborItem {
  const value = SIMPLE.get(head.argument);
  if (value === undefined || head.argument > 23) {
    throw malformed('a CBOR float or simple value that is not allowed');
  }
  return { value, next: head.next };
}

function malformed(got: string, options?: ErrorOptions): CborError {
  return new CborError(`expected strict CBOR, got ${got}`, options);
}
