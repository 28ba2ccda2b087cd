import avro from 'avsc';
import type { AvroRecord } from './avro-schema.ts';
import { assertEncoding, MAX_BATCH_ENTRIES, MAX_LONG } from './encoding-check.ts';
import { crc64Avro } from './fingerprint.ts';
import { WireError } from './wire-error.ts';

/** A broker of ours takes no larger value. */
export const MAX_WIRE_BYTES = 900_000;

const MARKER = [0xc3, 0x01] as const;
const HEADER_BYTES = 10;

type FieldValue = string | number | Uint8Array | readonly Uint8Array[];

/** One record type of the wire, as fields named as in its schema. */
export interface RecordCodec<Fields> {
  readonly fingerprint: bigint;
  encode(fields: Fields): Uint8Array;
  /** Of a frame whose fingerprint is this one's. */
  decode(frame: Uint8Array): Fields;
}

export function recordCodec<Fields extends object>(schema: AvroRecord): RecordCodec<Fields> {
  const type = avro.Type.forSchema(structuredClone(schema));
  // avsc gives the Parsing Canonical Form of Avro's specification here, which is what fingerprints are over.
  const canonical = JSON.stringify(type.schema());
  const fingerprint = crc64Avro(Buffer.from(canonical));
  const header = Buffer.from([...MARKER, ...new Uint8Array(HEADER_BYTES - MARKER.length)]);
  header.writeBigUInt64LE(fingerprint, MARKER.length);
  return {
    fingerprint,
    encode(fields) {
      const value: Record<string, string | number | Buffer | Buffer[]> = {};
      let bound = HEADER_BYTES;
      for (const { name } of schema.fields) {
        const field = encodableValue((fields as Record<string, FieldValue>)[name]);
        value[name] = field;
        bound += lengthBound(field);
      }
      if (!type.isValid(value)) {
        throw new WireError('WIRE_MALFORMED', `expected a record of ${schema.name}`);
      }
      const frame = new Uint8Array(bound);
      frame.set(header);
      const end = type.encode(value, asBuffer(frame), HEADER_BYTES);
      assertSize(end);
      return frame.subarray(0, end);
    },
    decode(frame) {
      const body = frame.subarray(HEADER_BYTES);
      assertEncoding(schema, body);
      const fields = type.fromBuffer(asBuffer(body)) as Record<string, unknown>;
      for (const { name } of schema.fields) fields[name] = plainValue(fields[name]);
      // The walk above proved that the bytes are of this schema, and Fields are its fields.
      return fields as Fields;
    },
  };
}

/**
 * The fingerprint that says how to read the rest.
 * @throws {WireError} WIRE_LIMIT, WIRE_MALFORMED
 */
export function fingerprintOfFrame(frame: Uint8Array): bigint {
  assertSize(frame.length);
  if (frame.length < HEADER_BYTES || frame[0] !== MARKER[0] || frame[1] !== MARKER[1]) {
    throw new WireError('WIRE_MALFORMED', 'expected an Avro single-object frame');
  }
  return asBuffer(frame).readBigUInt64LE(MARKER.length);
}

/**
 * Decodes a frame of the only schema that may stand here.
 * @throws {WireError}
 */
export function decodeOnly<Fields>(codec: RecordCodec<Fields>, frame: Uint8Array): Fields {
  if (fingerprintOfFrame(frame) !== codec.fingerprint) throw unknownSchema();
  return codec.decode(frame);
}

export function unknownSchema(): WireError {
  return new WireError('WIRE_SCHEMA_UNKNOWN', 'expected the fingerprint of a schema of this topic');
}

function assertSize(sizeBytes: number): void {
  if (sizeBytes > MAX_WIRE_BYTES) {
    throw new WireError('WIRE_LIMIT', `expected at most ${MAX_WIRE_BYTES} bytes, got ${sizeBytes}`);
  }
}

/** What avsc takes, after checks that it does not make: it would write half a surrogate pair as another character. */
function encodableValue(value: FieldValue | undefined): string | number | Buffer | Buffer[] {
  if (value === undefined) throw new WireError('WIRE_MALFORMED', 'expected every field');
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value)) {
      throw new WireError('WIRE_MALFORMED', 'expected text of whole characters');
    }
    return value;
  }
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || value < 0 || value > MAX_LONG) {
      throw new WireError('WIRE_MALFORMED', 'expected a whole number from 0 to 2^53 - 2');
    }
    return value;
  }
  if (value instanceof Uint8Array) return asBuffer(value);
  if (value.length > MAX_BATCH_ENTRIES) {
    throw new WireError(
      'WIRE_LIMIT',
      `expected at most ${MAX_BATCH_ENTRIES} items, got ${value.length}`,
    );
  }
  return value.map(asBuffer);
}

/** Of a number, and of the length before bytes; an array's count and its end are two numbers. */
const NUMBER_BYTES_MAX = 10;
/** UTF-16 units to UTF-8. */
const UNIT_BYTES_MAX = 3;

/** At least what a field takes, so that it is encoded in place. */
function lengthBound(value: string | number | Buffer | readonly Buffer[]): number {
  if (typeof value === 'number') return NUMBER_BYTES_MAX;
  if (typeof value === 'string') return NUMBER_BYTES_MAX + value.length * UNIT_BYTES_MAX;
  if (value instanceof Uint8Array) return NUMBER_BYTES_MAX + value.length;
  return value.reduce((sum, item) => sum + lengthBound(item), 2 * NUMBER_BYTES_MAX);
}

/** Plain arrays, since a Buffer's `slice` shares its memory where a Uint8Array's copies. */
function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (!(value instanceof Uint8Array)) return value;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
