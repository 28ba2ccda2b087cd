import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CborError, readCbor, writeCbor, type CborValue } from '../src/index.ts';

function written(value: CborValue): string {
  return Buffer.from(writeCbor(value)).toString('hex');
}

const scalars = fc.oneof(
  fc.integer({ min: -(2 ** 53) + 2, max: 2 ** 53 - 2 }),
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
);

const { values } = fc.letrec<{ values: CborValue }>((tie) => ({
  values: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalars,
    fc.array(tie('values'), { maxLength: 5 }),
    fc
      .uniqueArray(
        fc.tuple(fc.oneof(fc.integer({ min: -500, max: 500 }), fc.string()), tie('values')),
        { maxLength: 5, selector: ([name]) => name },
      )
      .map((members) => new Map(members)),
  ),
}));

describe('CBOR as it is written', () => {
  test.each<[string, CborValue]>([
    ['00', 0],
    ['00', -0],
    ['17', 23],
    ['1818', 24],
    ['18ff', 255],
    ['190100', 256],
    ['19018b', 395],
    ['19ffff', 65_535],
    ['1a00010000', 65_536],
    ['1affffffff', 2 ** 32 - 1],
    ['1b0000000100000000', 2 ** 32],
    ['1b001ffffffffffffe', Number.MAX_SAFE_INTEGER - 1],
    ['20', -1],
    ['390100', -257],
    ['43010203', Uint8Array.of(1, 2, 3)],
    ['62c3a4', 'ä'],
    ['8201f6', [1, null]],
    ['82f4f5', [false, true]],
  ])('is %s', (hex, value) => {
    expect(written(value)).toBe(hex);
  });

  test('has the names of a map in the order of their bytes, however it was made', () => {
    const labels = [395, 15, 4, 'b', -1, 1, 'aa'];
    const forward = new Map(labels.map((label) => [label, 0]));
    const backward = new Map(labels.toReversed().map((label) => [label, 0]));
    expect(written(forward)).toBe(
      'a7' + '0100' + '0400' + '0f00' + '19018b00' + '2000' + '616200' + '62616100',
    );
    expect(written(backward)).toBe(written(forward));
  });

  test('is read as what it was written from', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = writeCbor(value);
        expect(readCbor(bytes, 0)).toEqual({ value, next: bytes.length });
      }),
    );
  });

  test.each([0.5, NaN, Infinity, 2 ** 53 - 1, -(2 ** 53)])('is none for %d', (value) => {
    expect(() => writeCbor(value)).toThrow(CborError);
  });
});
