import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CborError, readCbor } from '../src/index.ts';

function read(hex: string): unknown {
  return readCbor(new Uint8Array(Buffer.from(hex, 'hex')), 0);
}

describe('strict CBOR', () => {
  test.each([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['19018b', 395],
    ['1a00010000', 65_536],
    ['1b0000000100000000', 2 ** 32],
    ['1b001ffffffffffffe', Number.MAX_SAFE_INTEGER - 1],
    ['20', -1],
    ['390100', -257],
    ['43010203', Uint8Array.of(1, 2, 3)],
    ['62c3a4', 'ä'],
    ['8201f6', [1, null]],
    ['82f4f5', [false, true]],
    [
      'a201206161f6',
      new Map<number | string, unknown>([
        [1, -1],
        ['a', null],
      ]),
    ],
  ])('reads %s', (hex, value) => {
    expect(read(hex)).toEqual({ value, next: hex.length / 2 });
  });

  test('begins where it is told to, and leaves what comes after', () => {
    expect(readCbor(Uint8Array.of(0xd2, 0x81, 0x07, 0x00), 1)).toEqual({ value: [7], next: 3 });
  });

  test.each([
    ['nothing', ''],
    ['an integer in more bytes than it needs', '1817'],
    ['a length in more bytes than it needs', '590001ff'],
    ['an integer above 2^53', '1b0020000000000000'],
    ['a length that was announced as reserved', '1c'],
    ['a string of indefinite length', '5f4101ff'],
    ['an array of indefinite length', '9f01ff'],
    ['a map of indefinite length', 'bf0101ff'],
    ['a tag', 'd200'],
    ['a float', 'f93c00'],
    ['undefined', 'f7'],
    ['a simple value in two bytes', 'f816'],
    ['a text that is not UTF-8', '61ff'],
    ['a string cut short', '4301'],
    ['an array cut short', '8201'],
    ['a map with the same name twice', 'a201000100'],
    ['a map named by bytes', 'a1410000'],
    ['arrays nested without end', '81'.repeat(1_000) + '00'],
  ])('refuses %s', (_why, hex) => {
    expect(() => read(hex)).toThrow(CborError);
    expect(() => read(hex)).toThrow(expect.objectContaining({ code: 'CBOR_MALFORMED' }));
  });

  test('nests eight deep and no further', () => {
    expect(read(`${'81'.repeat(8)}00`)).toMatchObject({ next: 9 });
    expect(() => read(`${'81'.repeat(9)}00`)).toThrow(CborError);
  });

  test('never crashes on bytes from anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        try {
          expect(readCbor(bytes, 0).next).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
