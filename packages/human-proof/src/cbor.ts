import { fromUtf8 } from '@countersign/canonical';
import { HumanProofError, refusing, type AssertionWhy } from './human-proof-error.ts';

export type CborValue =
  number | string | boolean | null | Uint8Array | CborValue[] | Map<number | string, CborValue>;

/** Authenticators nest extension outputs two or three deep; the bound is what keeps recursion finite. */
const MAX_DEPTH = 8;

interface Item {
  value: CborValue;
  next: number;
}

/** One reading position over bytes somebody sent; every refusal carries the `why` of the structure being read. */
interface Source {
  bytes: Uint8Array;
  why: AssertionWhy;
}

/**
 * Reads one data item: integers, strings, arrays, maps, false, true and null, each in its shortest form.
 *
 * Indefinite lengths, tags, floats, duplicate names and integers beyond 2^53 are refused
 * (schemas/formats/human-proof.md §4): CTAP2 authenticators send none of them.
 *
 * @throws HumanProofError with `source.why`
 */
export function readCbor(source: Source, offset: number): Item {
  return readItem(source, offset, 0);
}

function readItem(source: Source, offset: number, depth: number): Item {
  if (depth > MAX_DEPTH) throw malformed(source, `CBOR deeper than ${MAX_DEPTH}`);
  const head = readHead(source, offset);
  switch (head.major) {
    case 0:
      return { value: head.argument, next: head.next };
    case 1:
      return { value: -1 - head.argument, next: head.next };
    case 2:
      return readBytes(source, head);
    case 3:
      return readText(source, head);
    case 4:
      return readArray(source, head, depth);
    case 5:
      return readMap(source, head, depth);
    case 7:
      return readSimple(source, head);
    default:
      throw malformed(source, 'a CBOR tag where none is allowed');
  }
}

interface Head {
  major: number;
  argument: number;
  next: number;
}

function readHead(source: Source, offset: number): Head {
  const initial = source.bytes[offset];
  if (initial === undefined) throw malformed(source, 'CBOR ends early');
  const major = initial >> 5;
  const info = initial & 0x1f;
  if (info < 24) return { major, argument: info, next: offset + 1 };
  if (info > 27) throw malformed(source, 'CBOR of indefinite or reserved length');
  const width = 2 ** (info - 24);
  let argument = 0;
  for (let i = 1; i <= width; i++) {
    const byte = source.bytes[offset + i];
    if (byte === undefined) throw malformed(source, 'CBOR ends early');
    argument = argument * 256 + byte;
  }
  const smallest = width === 1 ? 24 : 2 ** (4 * width);
  if (argument < smallest || argument >= Number.MAX_SAFE_INTEGER) {
    throw malformed(source, 'a CBOR length or integer that is not in its shortest form');
  }
  return { major, argument, next: offset + 1 + width };
}

function readBytes(source: Source, head: Head): { value: Uint8Array; next: number } {
  const next = head.next + head.argument;
  if (next > source.bytes.length) throw malformed(source, 'a CBOR string ends early');
  return { value: source.bytes.slice(head.next, next), next };
}

function readText(source: Source, head: Head): Item {
  const { value, next } = readBytes(source, head);
  return { value: refusing(source.why, () => fromUtf8(value)), next };
}

function readArray(source: Source, head: Head, depth: number): Item {
  const items: CborValue[] = [];
  let next = head.next;
  for (let i = 0; i < head.argument; i++) {
    const item = readItem(source, next, depth + 1);
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

function readMap(source: Source, head: Head, depth: number): Item {
  const map = new Map<number | string, CborValue>();
  let next = head.next;
  for (let i = 0; i < head.argument; i++) {
    const key = readItem(source, next, depth + 1);
    if (typeof key.value !== 'number' && typeof key.value !== 'string') {
      throw malformed(source, 'a CBOR map whose names are neither integers nor text');
    }
    if (map.has(key.value)) throw malformed(source, 'a CBOR map with the same name twice');
    const item = readItem(source, key.next, depth + 1);
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

function readSimple(source: Source, head: Head): Item {
  const value = SIMPLE.get(head.argument);
  if (value === undefined || head.argument > 23) {
    throw malformed(source, 'a CBOR float or simple value that is not allowed');
  }
  return { value, next: head.next };
}

function malformed(source: Source, message: string): HumanProofError {
  return new HumanProofError(source.why, `expected strict CBOR, got ${message}`);
}
