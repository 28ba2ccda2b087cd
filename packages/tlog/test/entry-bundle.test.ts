import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEntryBundle, parseEntryBundle, parseTilePath } from '../src/index.ts';
import { refusalOf } from './refusal.ts';
import { entryAt, tiles } from './vectors.ts';

const entries = Array.from({ length: 5 }, (_, index) => entryAt(index));
const bundle = new Uint8Array(Buffer.from(tiles.bundle_of_5.hex, 'hex'));
const limit = tiles.entry_size_limit;

function refusal(bytes: Uint8Array, width: number): string | undefined {
  return refusalOf(() => parseEntryBundle(bytes, width));
}

describe('entry bundles', () => {
  it('are those of the vector', () => {
    const { width } = parseTilePath(tiles.bundle_of_5.path);
    expect(formatEntryBundle(entries)).toEqual(bundle);
    expect(parseEntryBundle(bundle, width)).toEqual(entries);
  });

  it('come back as they went', () => {
    const some = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(some, (given) => {
        expect(parseEntryBundle(formatEntryBundle(given), given.length)).toEqual(given);
      }),
    );
  });

  it('hold entries up to the limit and no further', () => {
    const largest = new Uint8Array(limit).fill(7);
    expect(parseEntryBundle(formatEntryBundle([largest, largest]), 2)).toEqual([largest, largest]);
    expect(refusalOf(() => formatEntryBundle([new Uint8Array(limit + 1)]))).toBe('ENTRY_BUNDLE');
  });

  it('hold 1 to 256 entries', () => {
    const full = Array.from({ length: 256 }, (_, index) => entryAt(index));
    expect(parseEntryBundle(formatEntryBundle(full), 256)).toEqual(full);
    for (const given of [[], [...full, entryAt(256)]]) {
      expect(refusalOf(() => formatEntryBundle(given))).toBe('ENTRY_BUNDLE');
    }
  });

  it('are refused wherever they are cut short', () => {
    for (let size = 0; size < bundle.length; size += 1) {
      expect(refusal(bundle.subarray(0, size), 5), `${size} bytes`).toBe('ENTRY_BUNDLE');
    }
  });

  it('are refused with bytes after them', () => {
    expect(refusal(Uint8Array.of(...bundle, 0), 5)).toBe('ENTRY_BUNDLE');
    expect(refusal(Uint8Array.of(...bundle, 0, 0), 5)).toBe('ENTRY_BUNDLE');
  });

  it.each([4, 6, 0, -1, 0.5, 257, Number.NaN])('of 5 are refused as %d', (width) => {
    expect(refusal(bundle, width)).toBe('ENTRY_BUNDLE');
  });

  it('do not change with what they were read from', () => {
    const source = bundle.slice();
    const read = parseEntryBundle(source, 5);
    source.fill(0);
    expect(read).toEqual(entries);
  });
});
