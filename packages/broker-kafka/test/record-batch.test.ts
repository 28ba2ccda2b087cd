import { BrokerError } from '@countersign/broker';
import { describe, expect, it } from 'vitest';
import { decodeRecordSet, type DecodedRecord } from '../src/record-batch.ts';

// What a node of Kafka 4.1.0 answered: a batch of ours, one of somebody's transaction, and the mark of its end.
const BYTES = Buffer.from(
  'AAAAAAAAAAAAAABHAAAAAAJPCR3hAAgAAAABAAABoiNekj8AAAGiI16SSQAAAAAAAAABAAAAAAAAAAAAAhwAAAAGb25lCmZpcnN0AAwAAAIAAAAA' +
    'AAAAAAAAAgAAAEQAAAAAArnsqT8AGAAAAAAAAAGiI16bXwAAAaIjXputAAAAAAAAAAMAAAAAAAAAAAABJAAAABDQutC70Y7RhwECAmgCdgAAAAAA' +
    'AAADAAAAQgAAAAACocP7QwA4AAAAAAAAAaIjXpxVAAABoiNenFYAAAAAAAAAAwAA/////wAAAAEgAAAACAAAAAEMAAAAAAAAAA==',
  'base64',
);
const FIRST_BATCH_BYTES = 83;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;

function plain({ offset, key, value }: DecodedRecord): [number, string, string | null] {
  return [offset, key, value && Buffer.from(value).toString()];
}

function codeOf(bytes: Buffer): string {
  try {
    decodeRecordSet(bytes, 0);
  } catch (error) {
    if (error instanceof BrokerError) return error.code;
    throw error;
  }
  return 'decoded';
}

describe('a record set', () => {
  it('is every record with the time of the broker, and an empty one where a transaction ends', () => {
    const { records, nextOffset } = decodeRecordSet(BYTES, 0);
    expect(records.map(plain)).toEqual([
      [0, 'one', 'first'],
      [1, '', ''],
      [2, 'ключ', null],
      [3, '', ''],
    ]);
    expect(records.map(({ timeMs }) => timeMs)).toEqual([
      1795889730121, 1795889730121, 1795889732525, 1795889732694,
    ]);
    expect(nextOffset).toBe(4);
  });

  it('begins at the offset that was asked for, in the middle of a batch too', () => {
    expect(decodeRecordSet(BYTES, 1).records.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  });

  it('ends before a batch that was cut', () => {
    for (let size = 0; size < BYTES.length; size += 1) {
      const { records, nextOffset } = decodeRecordSet(BYTES.subarray(0, size), 0);
      expect(nextOffset).toBe(records.length);
      expect(records.length < 2).toBe(size < FIRST_BATCH_BYTES);
    }
  });

  it('with any bit flipped that the checksum covers, or of the checksum, is BROKER_CORRUPT', () => {
    for (let bit = CRC_AT * 8; bit < FIRST_BATCH_BYTES * 8; bit += 1) {
      const flipped = Buffer.from(BYTES);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(flipped)).toBe('BROKER_CORRUPT');
    }
  });

  it.each([
    ['with the time of its producer', 0x00],
    ['compressed', 0x09],
  ])('%s is BROKER_TOPIC_SETTINGS', async (_name, attributes) => {
    const { default: crc32C } = await import('kafkajs/src/protocol/recordBatch/crc32C/index.js');
    const batch = Buffer.from(BYTES.subarray(0, FIRST_BATCH_BYTES));
    batch.writeInt16BE(attributes, ATTRIBUTES_AT);
    batch.writeUInt32BE(crc32C(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
    expect(codeOf(batch)).toBe('BROKER_TOPIC_SETTINGS');
  });
});

describe('the headers of a record', () => {
  const LOG_APPEND_TIME = 0x08;
  const TEXT = 'the value';

  /** A batch of one record, framed by kafkajs, as the node stamps it. */
  async function batchOf(rawHeaders: Buffer): Promise<Buffer> {
    const { default: crc32C } = await import('kafkajs/src/protocol/recordBatch/crc32C/index.js');
    const parts = [Buffer.from([0, 0, 0, 2]), Buffer.from('k'), varint(TEXT.length)];
    const body = Buffer.concat([...parts, Buffer.from(TEXT), rawHeaders]);
    const record = Buffer.concat([varint(body.length), body]);
    const batch = Buffer.alloc(61 + record.length);
    record.copy(batch, 61);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt8(2, 16);
    batch.writeInt16BE(LOG_APPEND_TIME, ATTRIBUTES_AT);
    batch.writeInt32BE(1, 57);
    batch.writeUInt32BE(crc32C(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
    return batch;
  }

  function varint(value: number): Buffer {
    let raw = value < 0 ? -value * 2 - 1 : value * 2;
    const bytes: number[] = [];
    while (raw >= 0x80) {
      bytes.push((raw & 0x7f) | 0x80);
      raw = Math.floor(raw / 128);
    }
    return Buffer.from([...bytes, raw]);
  }

  function header(name: string | Buffer, value: string | Buffer | null): Buffer {
    const bytes = Buffer.from(name);
    const of = value === null ? [varint(-1)] : [varint(value.length), Buffer.from(value)];
    return Buffer.concat([varint(bytes.length), bytes, ...of]);
  }

  function headers(...all: Buffer[]): Buffer {
    return Buffer.concat([varint(all.length), ...all]);
  }

  const good = header('ce_id', '1');

  it.each<[string, Buffer, Record<string, string> | undefined]>([
    [
      'as they are',
      headers(good, header('content-type', 'a/b')),
      { ce_id: '1', 'content-type': 'a/b' },
    ],
    ['none', headers(), undefined],
    ['the first of two with one name', headers(good, header('ce_id', '2')), { ce_id: '1' }],
    ['without a null value', headers(header('a', null), good), { ce_id: '1' }],
    [
      'without bytes that are no text',
      headers(header('a', Buffer.from([0xff, 0])), good),
      { ce_id: '1' },
    ],
    [
      'without a name that is none of ours',
      headers(header('X-Y', 'z'), header('', ''), good),
      { ce_id: '1' },
    ],
    [
      'without one that is too long',
      headers(header('a', 'x'.repeat(70_000)), good),
      { ce_id: '1' },
    ],
    [
      'up to the count',
      headers(...Array.from({ length: 40 }, (_, i) => header(`h${i}`, ''))),
      sixteen(),
    ],
    ['what stands before a wrong length', headers(good, Buffer.from([0x7e, 0x61])), { ce_id: '1' }],
    [
      'what is there, whatever the count says',
      Buffer.concat([varint(2 ** 31 - 1), good]),
      { ce_id: '1' },
    ],
    ['none for a negative count', Buffer.concat([varint(-1), good]), undefined],
    ['none for a count that never ends', Buffer.alloc(12, 0xff), undefined],
    ['none for no count at all', Buffer.alloc(0), undefined],
  ])('are read %s', async (_what, raw, expected) => {
    const [record] = decodeRecordSet(await batchOf(raw), 0).records;
    expect(record?.headers).toEqual(expected);
    expect(Buffer.from(record?.value ?? []).toString()).toBe(TEXT);
  });

  function sixteen(): Record<string, string> {
    return Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`h${i}`, '']));
  }
});
