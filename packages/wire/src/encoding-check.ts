import type { AvroFieldType, AvroRecord } from './avro-schema.ts';
import { WireError } from './wire-error.ts';

/** More leaves than a batch below the size limit of a record can usefully hold. */
export const MAX_BATCH_ENTRIES = 10_000;

/** avsc takes no 2^53 - 1. */
export const MAX_LONG: number = 2 ** 53 - 2;

const FIXED_BYTES = 32;

/** Seven bits a byte; eight hold every integer of 53 bits, doubled by Avro's zigzag. */
const MAX_VARINT_BYTES = 8;

/**
 * Walks an encoded record before avsc decodes it: avsc believes counts and lengths, and a count of 2^60 would keep it busy for ever.
 * What passes is the one encoding of its record (schemas/formats/batch-and-wire.md §2), so equal records have equal bytes.
 * @throws {WireError} WIRE_MALFORMED, WIRE_LIMIT
 */
export function assertEncoding(schema: AvroRecord, body: Uint8Array): void {
  const cursor = new Cursor(body);
  for (const { type } of schema.fields) skipField(cursor, type);
  cursor.assertEnd();
}

function skipField(cursor: Cursor, type: AvroFieldType): void {
  if (typeof type === 'string') {
    skipPlain(cursor, type);
  } else if (type.type === 'fixed') {
    cursor.take(type.size);
  } else if (type.type === 'enum') {
    if (cursor.natural() >= type.symbols.length) throw malformed('a symbol of the enum');
  } else {
    skipArray(cursor);
  }
}

function skipPlain(cursor: Cursor, type: Extract<AvroFieldType, string>): void {
  switch (type) {
    case 'dev.countersign.Bytes32':
      cursor.take(FIXED_BYTES);
      return;
    case 'bytes':
      cursor.take(cursor.natural());
      return;
    case 'string':
      assertUtf8(cursor.take(cursor.natural()));
      return;
    case 'int':
      if (cursor.natural() > 0x7fff_ffff) throw malformed('an int of 31 bits');
      return;
    case 'long':
      cursor.natural();
  }
}

/** One block and its end, or the end alone: the other ways that Avro knows would be second encodings. */
function skipArray(cursor: Cursor): void {
  const count = cursor.natural();
  if (count === 0) return;
  if (count > MAX_BATCH_ENTRIES) {
    throw new WireError('WIRE_LIMIT', `expected at most ${MAX_BATCH_ENTRIES} items, got ${count}`);
  }
  for (let item = 0; item < count; item += 1) cursor.take(cursor.natural());
  if (cursor.natural() !== 0) throw malformed('an array of one block');
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function assertUtf8(bytes: Uint8Array): void {
  try {
    UTF8.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new WireError('WIRE_MALFORMED', 'expected UTF-8', { cause });
  }
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw malformed('a length within the record');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** An integer of at least 0 in the shortest form. Zigzag makes those even, so the double stays exact up to 2^54. */
  natural(): number {
    let doubled = 0;
    let place = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i += 1) {
      const [byte = 0] = this.take(1);
      if (i === 0 && byte % 2 === 1) throw malformed('no negative number');
      doubled += (byte & 0x7f) * place;
      place *= 0x80;
      if (byte >= 0x80) continue;
      if (byte === 0 && i > 0) throw malformed('the shortest form of a number');
      const value = doubled / 2;
      if (value > MAX_LONG) break;
      return value;
    }
    throw malformed('a number of at most 2^53 - 2');
  }

  assertEnd(): void {
    if (this.#at !== this.#bytes.length) throw malformed('nothing after the record');
  }
}

function malformed(expected: string): WireError {
  return new WireError('WIRE_MALFORMED', `expected ${expected}`);
}
