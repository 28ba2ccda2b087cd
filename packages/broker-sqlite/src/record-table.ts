import { crc32 } from 'node:zlib';
import {
  BrokerError,
  headersOf,
  type NewRecord,
  type RecordHeaders,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import type { Row, Statement } from '@countersign/sqlite';

/** "CSBR": what the header of our files carries. */
export const APPLICATION_ID = 0x43534252;
/** 2: headers. */
export const FORMAT_VERSION = 2;

/**
 * `topic_end` alone says where the next record goes, so an offset is never used twice. The index serves erasure, and only
 * the topics that can be erased pay for it.
 */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE topic_end (
     topic TEXT NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL, time_ms INTEGER NOT NULL,
     PRIMARY KEY (topic, part)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE record (
     topic TEXT NOT NULL, part INTEGER NOT NULL, pos INTEGER NOT NULL, time_ms INTEGER NOT NULL,
     key TEXT NOT NULL, value BLOB, crc INTEGER NOT NULL,
     PRIMARY KEY (topic, part, pos)
   ) STRICT;
   CREATE INDEX record_key ON record (topic, key) WHERE topic NOT IN ('log', 'quarantine');`,
  'ALTER TABLE record ADD COLUMN headers TEXT',
];

const EXTEND = `INSERT INTO topic_end (topic, part, next, time_ms) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT DO UPDATE SET next = next + excluded.next, time_ms = max(time_ms, excluded.time_ms)
  RETURNING next, time_ms`;

/** `back` counts from the end that EXTEND has just set, so the offset is decided inside the transaction. */
const INSERT = `INSERT INTO record (topic, part, pos, time_ms, key, value, crc, headers)
  SELECT topic, part, next - ?3, time_ms, ?4, ?5, ?6, ?7 FROM topic_end WHERE topic = ?1 AND part = ?2`;

export const SELECT_ENDS = 'SELECT topic, part, next FROM topic_end';

export const SELECT_SIZES = `SELECT length(value) AS bytes FROM record
  WHERE topic = ? AND part = ? AND pos >= ? ORDER BY pos LIMIT ?`;

export const SELECT_RECORDS = `SELECT pos, time_ms, key, value, crc, headers FROM record
  WHERE topic = ? AND part = ? AND pos >= ? ORDER BY pos LIMIT ?`;

export const ERASE = `UPDATE record SET value = NULL, headers = NULL
  WHERE topic = ? AND key = ? AND value IS NOT NULL`;

/** One transaction: the first statement answers with the new end. */
export function appendStatements(
  tp: TopicPartition,
  records: readonly NewRecord[],
  nowMs: number,
): Statement[] {
  const inserts = records.map(({ key, value, headers }, i) => ({
    sql: INSERT,
    params: [
      tp.topic,
      tp.partition,
      records.length - i,
      key,
      value,
      checksum(key, value),
      headers === undefined ? null : JSON.stringify(headers),
    ],
  }));
  return [{ sql: EXTEND, params: [tp.topic, tp.partition, records.length, nowMs] }, ...inserts];
}

/**
 * SQLite has no checksum of its own outside the WAL, so a flipped bit on the disk would else be read as if it were true.
 * @throws {BrokerError} BROKER_CORRUPT
 */
export function recordOf(row: Row, expectedOffset: number): StoredRecord {
  const { pos: offset, time_ms: appendTimeMs, key, value = null, crc } = row;
  const isRecord =
    offset === expectedOffset &&
    typeof appendTimeMs === 'number' &&
    typeof key === 'string' &&
    (value === null || value instanceof Uint8Array);
  if (!isRecord) {
    throw new BrokerError('BROKER_CORRUPT', `expected a record at offset ${expectedOffset}`);
  }
  if (value !== null && checksum(key, value) !== crc) {
    throw new BrokerError(
      'BROKER_CORRUPT',
      `the record at offset ${offset} does not match its checksum`,
    );
  }
  const headers = value === null ? undefined : headersIn(row);
  return { offset, appendTimeMs, key, value, ...(headers !== undefined && { headers }) };
}

/** Only hints: what cannot be read is none, and the record is as good without. */
function headersIn({ headers }: Row): RecordHeaders | undefined {
  if (typeof headers !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(headers);
    return typeof parsed === 'object' && parsed !== null
      ? headersOf(Object.entries(parsed))
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function checksum(key: string, value: Uint8Array): number {
  const ofKey = crc32(key);
  // zlib starts anew, at 0, for an empty array without memory of its own.
  return value.length === 0 ? ofKey : crc32(value, ofKey);
}
