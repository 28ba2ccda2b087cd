import type { Json } from './json-value.ts';
import { latin1Reader } from './latin1.ts';

/** What is kept of one spelling of a value. */
interface KnownValue {
  /** Its bytes as Latin-1. */
  readonly spelling: string;
  readonly value: Json;
  /** Members and elements in it, as the gate counts them. */
  readonly members: number;
  /** Open containers around it, so that its own are within the same limit wherever it is found. */
  readonly depth: number;
}

interface ValuePlace {
  readonly at: number;
  readonly depth: number;
}

interface ReadValue extends ValuePlace {
  readonly end: number;
  readonly value: Json;
  readonly members: number;
}

/** Of one name: what was read last comes first. */
interface Spellings {
  readonly max: number;
  readonly known: KnownValue[];
}

/** Shorter ones are read as fast as they are looked up; longer ones would fill the memory. */
const SPELLING_MIN = 64;
const SPELLING_MAX = 262_144;

const SAMPLES = 8;

/** A document has its own bytes compared once and kept once; more is the work of one who wants it to take long. */
const STEPS_PER_BYTE = 2;

/**
 * Values that come again in document after document, byte for byte: each spelling is parsed once, and its value shared,
 * so it is frozen. Under each member name, so many spellings are remembered. MUST be used with one set of limits.
 */
export class RepeatedValues {
  readonly #byName: ReadonlyMap<string, Spellings>;

  constructor(names: Readonly<Record<string, number>>) {
    this.#byName = new Map(Object.entries(names).map(([name, max]) => [name, { max, known: [] }]));
  }

  /** For one document. */
  reader(bytes: Uint8Array): RepeatedReader {
    return new RepeatedReader(this.#byName, bytes);
  }
}

/**
 * Looks up and keeps the values of one document. All of it takes steps: one for each spelling looked at, each byte
 * compared and each byte kept. Once they are used up the rest is read as if nothing were known.
 */
export class RepeatedReader {
  readonly #byName: ReadonlyMap<string, Spellings>;
  readonly #bytes: Uint8Array;
  readonly #maxSteps: number;
  #steps = 0;

  constructor(byName: ReadonlyMap<string, Spellings>, bytes: Uint8Array) {
    this.#byName = byName;
    this.#bytes = bytes;
    this.#maxSteps = bytes.length * STEPS_PER_BYTE;
  }

  get steps(): number {
    return this.#steps;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /**
   * The value whose spelling begins at this place, where an object or an array MUST begin. That ends by itself, so no
   * other value of the gate begins with the same bytes.
   */
  find(name: string, place: ValuePlace): KnownValue | undefined {
    if (this.#steps >= this.#maxSteps) return undefined;
    const spellings = this.#byName.get(name)?.known ?? [];
    const found = spellings.findIndex((known) => this.#isAt(known, place));
    const known = spellings[found];
    if (known !== undefined && found > 0) {
      spellings.splice(found, 1);
      spellings.unshift(known);
    }
    return known;
  }

  keep(name: string, { at, end, depth, value, members }: ReadValue): void {
    const spellings = this.#byName.get(name);
    const length = end - at;
    const isOfUse = length >= SPELLING_MIN && length <= SPELLING_MAX;
    if (spellings === undefined || !isOfUse || !this.#take(length)) return;
    freeze(value);
    const spelling = latin1Reader(this.#bytes)(at, end);
    spellings.known.unshift({ spelling, value, members, depth });
    if (spellings.known.length > spellings.max) spellings.known.pop();
  }

  #isAt({ spelling, depth }: KnownValue, place: ValuePlace): boolean {
    if (!this.#take(1) || depth !== place.depth) return false;
    return this.#isLikely(spelling, place.at) && this.#isEqual(spelling, place.at);
  }

  /** Looks at a few bytes first, since most of what is known is another value. */
  #isLikely(spelling: string, at: number): boolean {
    for (let sample = 1; sample < SAMPLES; sample += 1) {
      const offset = Math.floor((spelling.length * sample) / SAMPLES);
      if (!this.#take(1) || spelling.charCodeAt(offset) !== this.#bytes[at + offset]) return false;
    }
    return true;
  }

  #isEqual(spelling: string, at: number): boolean {
    const bytes = this.#bytes;
    const { length } = spelling;
    if (this.#steps + length > this.#maxSteps) return false;
    let offset = 0;
    while (offset < length && spelling.charCodeAt(offset) === bytes[at + offset]) offset += 1;
    this.#steps += offset;
    return offset === length;
  }

  /** Whether so many steps were left; they are then used. */
  #take(steps: number): boolean {
    if (this.#steps + steps > this.#maxSteps) return false;
    this.#steps += steps;
    return true;
  }
}

/** As deep as the gate lets a document be, so this does not exhaust the stack. What is frozen was frozen here, with all in it. */
function freeze(value: Json): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values<Json>(value)) freeze(member);
}
