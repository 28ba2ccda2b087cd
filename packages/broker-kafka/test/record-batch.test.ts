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
