import type { NewRecord } from './broker.ts';
import { BrokerError } from './broker-error.ts';
import { assertHeaders, headersCostBytes } from './record-headers.ts';

export const MAX_RECORD_BYTES = 900_000;
export const MAX_KEY_BYTES = 512;
export const MAX_RECORDS_PER_APPEND = 10_000;

/** One append must fit in one Kafka record batch, which a broker refuses above 1 MiB: that is what makes it atomic there. */
export const MAX_APPEND_BYTES = 1_000_000;

/** What Kafka's framing adds to a record at most, rounded up. */
const RECORD_OVERHEAD_BYTES = 24;

export const MAX_READ_RECORDS = 10_000;
export const MAX_READ_BYTES = 16_000_000;

/** Not every storage gives such text back as it was. */
const NOT_A_KEY = /[\0\p{Surrogate}]/u;

/** What a record counts against MAX_APPEND_BYTES. */
export function appendCostBytes(record: NewRecord): number {
  const { key, value, headers } = record;
  return utf8Length(key) + value.length + headersCostBytes(headers) + RECORD_OVERHEAD_BYTES;
}

/** @throws {BrokerError} BROKER_LIMIT */
export function assertAppendable(records: readonly NewRecord[]): void {
  if (records.length === 0 || records.length > MAX_RECORDS_PER_APPEND) {
    throw limit(`expected 1 to ${MAX_RECORDS_PER_APPEND} records`, records.length);
  }
  let totalBytes = 0;
  for (const record of records) {
    if (record.value.length > MAX_RECORD_BYTES) {
      throw limit(`expected a value of at most ${MAX_RECORD_BYTES} bytes`, record.value.length);
    }
    if (record.key.length > MAX_KEY_BYTES || utf8Length(record.key) > MAX_KEY_BYTES) {
      throw limit(`expected a key of at most ${MAX_KEY_BYTES} bytes`, record.key.length);
    }
    if (NOT_A_KEY.test(record.key)) {
      throw new BrokerError('BROKER_LIMIT', 'expected a key of whole characters without U+0000');
    }
    if (record.headers !== undefined) assertHeaders(record.headers);
    totalBytes += appendCostBytes(record);
  }
  if (totalBytes > MAX_APPEND_BYTES) {
    throw limit(`expected an append of at most ${MAX_APPEND_BYTES} bytes`, totalBytes);
  }
}

/**
 * Splits into runs that one append takes each. What must be atomic MUST NOT be split: assert it instead.
 * @throws {BrokerError} BROKER_LIMIT for a record that fits in none
 */
export function splitForAppend<R extends NewRecord>(records: readonly R[]): R[][] {
  const runs: R[][] = [];
  let run: R[] = [];
  let runBytes = 0;
  for (const record of records) {
    assertAppendable([record]);
    const cost = appendCostBytes(record);
    if (run.length === MAX_RECORDS_PER_APPEND || runBytes + cost > MAX_APPEND_BYTES) {
      runs.push(run);
      run = [];
      runBytes = 0;
    }
    run.push(record);
    runBytes += cost;
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** @throws {BrokerError} BROKER_LIMIT unless both are whole numbers in range */
export function assertReadable(fromOffset: number, maxRecords: number): void {
  if (!Number.isSafeInteger(fromOffset) || fromOffset < 0) {
    throw limit('expected an offset of at least 0', fromOffset);
  }
  if (!Number.isSafeInteger(maxRecords) || maxRecords < 1 || maxRecords > MAX_READ_RECORDS) {
    throw limit(`expected to read 1 to ${MAX_READ_RECORDS} records`, maxRecords);
  }
}

function limit(expected: string, got: number): BrokerError {
  return new BrokerError('BROKER_LIMIT', `${expected}, got ${got}`);
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
