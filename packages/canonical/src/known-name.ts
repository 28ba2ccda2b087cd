/** Longer names are rare, and would make the table large. */
const LENGTH_MAX = 32;

const TABLE_SIZE = 2_048;

/** A name read later takes the place of one with the same hash, so this never grows. */
const table: string[] = new Array<string>(TABLE_SIZE).fill('');

/** The name in these bytes, if it was read before: as the same string, which is cheaper than a new one. */
export function knownName(hash: number, bytes: Uint8Array, place: NamePlace): string | undefined {
  const { start, end } = place;
  const known = table[slotOf(hash)] ?? '';
  // Names are data of strangers: a hash alone would let one stand for another.
  return known.length === end - start && isTextOf(known, bytes, start) ? known : undefined;
}

export function keepName(hash: number, name: string): void {
  if (name.length <= LENGTH_MAX) table[slotOf(hash)] = name;
}

interface NamePlace {
  readonly start: number;
  readonly end: number;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 16)) & (TABLE_SIZE - 1);
}

function isTextOf(text: string, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) !== bytes[start + at]) return false;
  }
  return true;
}
