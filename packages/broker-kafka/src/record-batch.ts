import { BrokerError, headersOf, type RecordHeaders } from '@countersign/broker';
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';

// Kafka's record batch, version 2: https://kafka.apache.org/documentation/#recordbatch
const LENGTH_AT = 8;
const AFTER_LENGTH = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
const RECORDS_AT = 61;
const MAGIC = 2;
const COMPRESSION_BITS = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const CONTROL_BIT = 0x20;
const EMPTY = new Uint8Array();

export interface DecodedRecord {
  readonly offset: number;
  readonly timeMs: number;
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers?: RecordHeaders;
}

export interface RecordSet {
  readonly records: readonly DecodedRecord[];
  /** Beyond all whole batches, also those that hold no record any more. */
  readonly nextOffset: number;
}

/**
 * The records from an offset on. A batch that was cut at the end of the answer is left out.
 *
 * Where the end of a transaction is marked there is a record without key and content: somebody else's transactions take up
 * offsets, and neither hide nor delay anything.
 *
 * @throws {BrokerError} BROKER_CORRUPT; BROKER_TOPIC_SETTINGS for a batch with its producer's time, or compressed
 */
export function decodeRecordSet(bytes: Buffer, fromOffset: number): RecordSet {
  const records: DecodedRecord[] = [];
  let nextOffset = fromOffset;
  let at = 0;
  while (at + AFTER_LENGTH <= bytes.length) {
    const end = at + AFTER_LENGTH + bytes.readInt32BE(at + LENGTH_AT);
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    // Nothing that the checksum covers counts before it was compared.
    decodeBatch(batch, fromOffset, records);
    nextOffset = Math.max(nextOffset, batchOffset(batch) + batch.readInt32BE(LAST_DELTA_AT) + 1);
    at = end;
  }
  return { records, nextOffset };
}

function decodeBatch(batch: Buffer, fromOffset: number, into: DecodedRecord[]): void {
  if (batch.length < RECORDS_AT || batch.readInt8(MAGIC_AT) !== MAGIC) {
    throw corrupt('expected a record batch of version 2');
  }
  if (crc32C(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CRC_AT)) {
    throw corrupt('expected the checksum of a record batch to match');
  }
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  const isControl = (attributes & CONTROL_BIT) !== 0;
  // A marker is written by the broker itself, in its own way.
  if (!isControl) assertSettings(attributes);
  const base = batchOffset(batch);
  const timeMs = Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT));
  const cursor = new Cursor(batch, RECORDS_AT);
  for (let count = batch.readInt32BE(COUNT_AT); count > 0; count -= 1) {
    const { delta, key, value, headers } = readRecord(cursor);
    const offset = base + delta;
    if (offset < fromOffset) continue;
    if (isControl) {
      into.push({ offset, timeMs, key: '', value: EMPTY });
      continue;
    }
    const record = { key: key?.toString('utf8') ?? '', value: value && copyOf(value) };
    into.push({ offset, timeMs, ...record, ...(headers !== undefined && { headers }) });
  }
}

function assertSettings(attributes: number): void {
  if ((attributes & COMPRESSION_BITS) !== 0) {
    throw wrongSetting('expected a topic with compression.type=uncompressed');
  }
  if ((attributes & LOG_APPEND_TIME_BIT) === 0) {
    throw wrongSetting('expected a topic with message.timestamp.type=LogAppendTime');
  }
}

function readRecord(cursor: Cursor): {
  readonly delta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders | undefined;
} {
  const length = cursor.varint();
  const end = cursor.at + length;
  cursor.at += 1;
  cursor.skipVarint();
  const delta = cursor.varint();
  const record = { delta, key: cursor.bytes(), value: cursor.bytes() };
  const headers = record.value === null ? undefined : headersOf(headersIn(cursor.upTo(end)));
  // Whatever they were: they never decide where the next record begins.
  cursor.at = end;
  return { ...record, headers };
}

/** As far as they make sense. Any producer may have written them, and a record is as good without. */
function* headersIn(cursor: Cursor): Generator<readonly [string, string]> {
  try {
    for (let count = cursor.varint(); count > 0; count -= 1) {
      const name = cursor.bytes()?.toString('latin1');
      const value = cursor.bytes()?.toString('latin1');
      if (name !== undefined && value !== undefined) yield [name, value];
    }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
  }
}

class Cursor {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Zigzag, of at most 32 bits. */
  varint(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw corrupt('expected a number in a record batch');
  }

  skipVarint(): void {
    while ((this.#bytes[this.at] ?? 0) >= 0x80) this.at += 1;
    this.at += 1;
  }

  /** Of the same bytes, that ends earlier. */
  upTo(end: number): Cursor {
    return new Cursor(this.#bytes.subarray(0, end), this.at);
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw corrupt('expected a record within its batch');
    return this.#bytes.subarray(start, this.at);
  }
}

function batchOffset(batch: Buffer): number {
  return Number(batch.readBigInt64BE(0));
}

/** Of its own memory: one record that is kept keeps no whole answer, and callers do what they like with theirs. */
function copyOf(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes);
}

function corrupt(expected: string): BrokerError {
  return new BrokerError('BROKER_CORRUPT', expected);
}

function wrongSetting(expected: string): BrokerError {
  return new BrokerError('BROKER_TOPIC_SETTINGS', expected);
}
