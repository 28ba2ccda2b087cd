import { TlogError } from './error.ts';
import { TILE_WIDTH } from './tile.ts';

const LENGTH_SIZE_BYTES = 2;
/** What two bytes can count. */
const ENTRY_SIZE_MAX_BYTES = 65_535;

/**
 * Writes the entry bundle of a level 0 tile (c2sp.org/tlog-tiles): each entry after its length.
 *
 * @throws TlogError `ENTRY_BUNDLE` unless there are 1 to 256 entries of at most 65,535 bytes
 */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  assertCount(entries.length);
  let sizeBytes = 0;
  for (const { length } of entries) {
    if (length > ENTRY_SIZE_MAX_BYTES) {
      throw refused(`expected entries of at most ${ENTRY_SIZE_MAX_BYTES} bytes, got ${length}`);
    }
    sizeBytes += LENGTH_SIZE_BYTES + length;
  }
  const bundle = new Uint8Array(sizeBytes);
  let at = 0;
  for (const entry of entries) {
    bundle.set([entry.length >> 8, entry.length & 0xff], at);
    bundle.set(entry, at + LENGTH_SIZE_BYTES);
    at += LENGTH_SIZE_BYTES + entry.length;
  }
  return bundle;
}

/**
 * Reads a bundle back. How many entries it holds is told by its path, never by the bundle itself: one that
 * was cut between two entries reads like a shorter one.
 *
 * @throws TlogError `ENTRY_BUNDLE` unless the bytes are exactly `width` entries
 */
export function parseEntryBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  assertCount(width);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    const [high, low] = bundle.subarray(at, at + LENGTH_SIZE_BYTES);
    if (high === undefined || low === undefined) {
      throw refused(`expected ${width} entries, got ${entries.length}`);
    }
    const start = at + LENGTH_SIZE_BYTES;
    at = start + high * 256 + low;
    if (at > bundle.length) throw refused(`entry ${entries.length} of ${width} is cut short`);
    entries.push(bundle.slice(start, at));
  }
  if (at !== bundle.length) {
    throw refused(`expected ${at} bytes for ${width} entries, got ${bundle.length}`);
  }
  return entries;
}

function assertCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > TILE_WIDTH) {
    throw refused(`expected 1 to ${TILE_WIDTH} entries, got ${count}`);
  }
}

function refused(why: string): TlogError {
  return new TlogError('ENTRY_BUNDLE', `entry bundle: ${why}`);
}
