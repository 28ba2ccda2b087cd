import type { Json } from './json-value.ts';

/** What is kept of one spelling of a value. */
interface KnownValue {
  /** Its bytes as Latin-1, so that they compare at once. */
  readonly spelling: string;
  readonly value: Json;
  /** Members and elements in it, as the gate counts them. */
  readonly members: number;
  /** Open containers around it, so that its own are within the same limit wherever it is found. */
  readonly depth: number;
}

interface ValuePlace {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly depth: number;
}

type Read = (start: number, end: number) => string;

/** Shorter ones are read as fast as they are looked up; longer ones would fill the memory. */
const SPELLING_MIN = 64;
const SPELLING_MAX = 262_144;

const SAMPLES = 8;

/**
 * Values that come again in document after document, byte for byte: each spelling is parsed once, and its value shared,
 * so it is frozen. Under each member name, so many spellings are remembered. MUST be used with one set of limits.
 */
export class RepeatedValues {
  readonly #byName: ReadonlyMap<string, SpellingsOfOne>;

  constructor(names: Readonly<Record<string, number>>) {
    this.#byName = new Map(
      Object.entries(names).map(([name, max]) => [name, new SpellingsOfOne(max)]),
    );
  }

  under(name: string): SpellingsOfOne | undefined {
    return this.#byName.get(name);
  }
}

class SpellingsOfOne {
  readonly #max: number;
  /** What was read last comes first. */
  readonly #known: KnownValue[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * The value whose spelling begins at this place. An object or an array ends by itself, so no other value of the
   * gate begins with the same bytes.
   */
  find(place: ValuePlace, read: Read): KnownValue | undefined {
    const { at } = place;
    const found = this.#known.findIndex(
      (known) => isLikely(known, place) && read(at, at + known.spelling.length) === known.spelling,
    );
    const known = this.#known[found];
    if (known !== undefined && found > 0) {
      this.#known.splice(found, 1);
      this.#known.unshift(known);
    }
    return known;
  }

  keep(known: KnownValue): void {
    const { spelling, value } = known;
    const isOfUse = spelling.length >= SPELLING_MIN && spelling.length <= SPELLING_MAX;
    if (typeof value !== 'object' || value === null || !isOfUse) return;
    freeze(value);
    this.#known.unshift(known);
    if (this.#known.length > this.#max) this.#known.pop();
  }
}

/** Looks at a few bytes first, since most of what is known is another value. */
function isLikely({ spelling, depth }: KnownValue, place: ValuePlace): boolean {
  if (depth !== place.depth) return false;
  for (let sample = 1; sample < SAMPLES; sample += 1) {
    const offset = Math.floor((spelling.length * sample) / SAMPLES);
    if (spelling.charCodeAt(offset) !== place.bytes[place.at + offset]) return false;
  }
  return true;
}

/** As deep as the gate lets a document be, so this does not exhaust the stack. */
function freeze(value: Json): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const member of Object.values<Json>(value)) freeze(member);
}
