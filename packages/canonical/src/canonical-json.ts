import { CanonicalError } from './canonical-error.ts';
import { PLAIN, QUOTE } from './json-spelling.ts';
import { DEPTH_CEILING, isJsonArray, type Json, type JsonObject } from './json-value.ts';
import { fromUtf8, hasLoneSurrogate, utf8 } from './utf8.ts';

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const NOTHING = new Uint8Array(0);

/** Room that one writer keeps; a larger document makes it larger, and it is then thrown away. */
const KEPT_BYTES = 65_536;

/** Plain means: at most one prototype up there. Dates, maps, byte arrays and class instances have two. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** So many names are put in order in place; beyond it a sort that makes arrays of its own is faster. */
const FEW_NAMES = 32;

/** By UTF-16 code units, as RFC 8785 §3.2.3 asks: the order of `<` and of a plain `sort` alike. */
function sorted(names: string[]): string[] {
  if (names.length > FEW_NAMES) return names.sort();
  // What was parsed from canonical text is in order already.
  for (let i = 1; i < names.length; i += 1) {
    const name = names[i] ?? '';
    let at = i;
    for (; at > 0 && (names[at - 1] ?? '') > name; at -= 1) names[at] = names[at - 1] ?? '';
    names[at] = name;
  }
  return names;
}

/** Writes bytes, not text: what is canonical is hashed and signed, and each text would be copied once more. */
class Writer {
  #bytes = new Uint8Array(KEPT_BYTES);
  #size = 0;

  get isLarge(): boolean {
    return this.#bytes.length > KEPT_BYTES;
  }

  /** All that was written, as bytes of the caller's own. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  write(value: Json | undefined, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#string(value);
        return;
      case 'number':
        this.#number(value);
        return;
      case 'boolean':
        this.#ascii(value ? 'true' : 'false');
        return;
      case 'object':
        if (value === null) this.#ascii('null');
        else this.#container(value, depth + 1);
        return;
      case 'undefined':
      case 'function':
      case 'symbol':
      case 'bigint':
        throw new CanonicalError('JSON_SYNTAX', `expected a JSON value, got ${typeof value}`);
    }
  }

  #container(value: JsonObject | readonly Json[], depth: number): void {
    if (depth > DEPTH_CEILING) {
      throw new CanonicalError('LIMIT_EXCEEDED', `expected depth at most ${DEPTH_CEILING}`);
    }
    if (isJsonArray(value)) this.#array(value, depth);
    else this.#object(value, depth);
  }

  #array(elements: readonly Json[], depth: number): void {
    this.#byte(OPEN_BRACKET);
    for (let i = 0; i < elements.length; i += 1) {
      if (i > 0) this.#byte(COMMA);
      this.write(elements[i], depth);
    }
    this.#byte(CLOSE_BRACKET);
  }

  #object(members: JsonObject, depth: number): void {
    if (!isPlainObject(members)) {
      throw new CanonicalError(
        'JSON_SYNTAX',
        'expected a plain object, got an instance of a class',
      );
    }
    this.#byte(OPEN_BRACE);
    let isFirst = true;
    for (const name of sorted(Object.keys(members))) {
      if (!isFirst) this.#byte(COMMA);
      isFirst = false;
      this.#string(name);
      this.#byte(COLON);
      this.write(members[name], depth);
    }
    this.#byte(CLOSE_BRACE);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new CanonicalError('NUMBER_OUT_OF_PROFILE', 'expected an integer within 2^53 - 1');
    }
    this.#ascii(String(value));
  }

  #string(text: string): void {
    const bytes = this.#roomFor(text.length + 2);
    const start = this.#size;
    let size = start;
    bytes[size] = QUOTE;
    size += 1;
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (PLAIN[unit] !== 1) {
        this.#unusualString(text);
        return;
      }
      bytes[size] = unit;
      size += 1;
    }
    bytes[size] = QUOTE;
    this.#size = size + 1;
  }

  /** With escapes or beyond ASCII, or no text at all. */
  #unusualString(text: string): void {
    if (hasLoneSurrogate(text) || text.includes('\0')) {
      throw new CanonicalError('TEXT_ENCODING', 'expected well-formed text without NUL');
    }
    // ECMAScript's own quoting is what RFC 8785 §3.2.2.2 copies.
    const quoted = utf8(JSON.stringify(text));
    this.#roomFor(quoted.length).set(quoted, this.#size);
    this.#size += quoted.length;
  }

  #ascii(text: string): void {
    const bytes = this.#roomFor(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[this.#size + at] = text.charCodeAt(at);
    this.#size += text.length;
  }

  #byte(byte: number): void {
    this.#roomFor(1)[this.#size] = byte;
    this.#size += 1;
  }

  #roomFor(count: number): Uint8Array {
    if (this.#size + count > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + count));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  /** Forgets what was written, and begins with these bytes. */
  reset(prefix: Uint8Array): void {
    this.#size = 0;
    this.#roomFor(prefix.length).set(prefix);
    this.#size = prefix.length;
  }
}

let spare: Writer | undefined;

/**
 * The canonical form of RFC 8785 in UTF-8: what is hashed and signed. All that it writes passes the gate, limits aside.
 * @throws {CanonicalError} NUMBER_OUT_OF_PROFILE, TEXT_ENCODING, JSON_SYNTAX, LIMIT_EXCEEDED
 */
export function canonicalBytes(value: Json): Uint8Array {
  return prefixedBytes(NOTHING, value);
}

/** As canonicalBytes, behind a prefix. */
export function prefixedBytes(prefix: Uint8Array, value: Json): Uint8Array {
  const writer = spare ?? new Writer();
  // Taken away while it is in use: a getter in the value could write something else meanwhile.
  spare = undefined;
  writer.reset(prefix);
  writer.write(value, 0);
  const bytes = writer.take();
  if (!writer.isLarge) spare = writer;
  return bytes;
}

/** As canonicalBytes, as text. */
export function canonicalText(value: Json): string {
  return fromUtf8(canonicalBytes(value));
}
