import { Latin1Scratch, latin1Reader } from './latin1.ts';
import { CanonicalError } from './canonical-error.ts';
import { DEPTH_CEILING, newMembers, type Json } from './json-value.ts';
import {
  BACKSLASH,
  ESCAPES,
  PLAIN,
  QUOTE,
  SHORT_ESCAPES,
  SLASH,
  hexDigit,
  isBetween,
  isShortest,
} from './json-spelling.ts';
import { duplicateName, encodingError, numberError } from './gate-error.ts';
import { keepName, knownName } from './known-name.ts';
import type { RepeatedReader, RepeatedValues } from './repeated-values.ts';
import { INVALID, multiByteAt, multiByteLength, pushCodePoint, textOfUnits } from './utf8.ts';

export interface JsonLimits {
  readonly maxBytes: number;
  /** Open objects and arrays at one point; a scalar has depth 0. */
  readonly maxDepth: number;
  /** Members of all objects plus elements of all arrays. */
  readonly maxMembers: number;
}

const END = -1;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const BYTE_ORDER_MARK = 0xfeff;

/** 2^53 - 1 has 16 digits, so a longer run is refused without reading on. */
const MAX_DIGITS = 16;

/** Strings with escapes are put together here; longer ones in an array of their own. */
const SCRATCH = new Latin1Scratch(65_536);

/** One document being read: a check of the raw bytes and a parser in one pass. */
export class Gate {
  /** Whether all that was read so far is spelled as the canonical form spells it. */
  #isCanonical = true;
  readonly #bytes: Uint8Array;
  readonly #read: (start: number, end: number) => string;
  readonly #repeated: RepeatedReader | undefined;
  readonly #maxDepth: number;
  readonly #maxMembers: number;
  #at = 0;
  #depth = 0;
  #members = 0;

  constructor(bytes: Uint8Array, limits: JsonLimits, repeated?: RepeatedValues) {
    this.#bytes = bytes;
    this.#repeated = repeated?.reader(bytes);
    this.#read = latin1Reader(bytes);
    this.#maxDepth = Math.min(limits.maxDepth, DEPTH_CEILING);
    this.#maxMembers = limits.maxMembers;
  }

  document(): Json {
    const value = this.#value();
    if (this.#token() !== END) throw this.#unexpected('the end');
    return value;
  }

  /** The document, if its bytes are canonical. A value that was read before is passed over, so its bytes are not judged. */
  canonicalDocument(): Json {
    if (this.#repeated !== undefined) {
      throw new TypeError(
        'expected a gate without repeated values where canonical bytes are judged',
      );
    }
    const value = this.document();
    if (!this.#isCanonical) {
      throw new CanonicalError('NOT_CANONICAL', 'expected the canonical bytes of this value');
    }
    return value;
  }

  #value(): Json {
    switch (this.#token()) {
      case QUOTE:
        return this.#string();
      case OPEN_BRACE:
        return this.#object();
      case OPEN_BRACKET:
        return this.#array();
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(): Json {
    this.#open();
    const members = newMembers();
    if (this.#token() === CLOSE_BRACE) return this.#close(members);
    let greatest: string | undefined;
    for (;;) {
      if (this.#token() !== QUOTE) throw this.#unexpected('a member name');
      this.#count();
      const from = this.#at;
      const name = this.#name();
      // Names that ascend differ from all before, and are in the canonical order.
      if (greatest === undefined || name > greatest) greatest = name;
      else if (members[name] === undefined) this.#isCanonical = false;
      else throw duplicateName(from);
      if (this.#token() !== COLON) throw this.#unexpected("':'");
      this.#at += 1;
      members[name] = this.#member(name);
      const next = this.#token();
      if (next === CLOSE_BRACE) return this.#close(members);
      if (next !== COMMA) throw this.#unexpected("',' or '}'");
      this.#at += 1;
    }
  }

  #member(name: string): Json {
    const repeated = this.#repeated;
    if (repeated?.has(name) !== true) return this.#value();
    const first = this.#token();
    if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return this.#value();
    const [at, members] = [this.#at, this.#members];
    const known = repeated.find(name, { at, depth: this.#depth });
    if (known !== undefined && members + known.members <= this.#maxMembers) {
      this.#at = at + known.spelling.length;
      this.#members = members + known.members;
      return known.value;
    }
    const value = this.#value();
    const place = { at, end: this.#at, depth: this.#depth };
    repeated.keep(name, { ...place, value, members: this.#members - members });
    return value;
  }

  #array(): Json {
    this.#open();
    const elements: Json[] = [];
    if (this.#token() === CLOSE_BRACKET) return this.#close(elements);
    for (;;) {
      this.#count();
      elements.push(this.#value());
      const next = this.#token();
      if (next === CLOSE_BRACKET) return this.#close(elements);
      if (next !== COMMA) throw this.#unexpected("',' or ']'");
      this.#at += 1;
    }
  }

  #open(): void {
    this.#depth += 1;
    if (this.#depth > this.#maxDepth) {
      throw new CanonicalError('LIMIT_EXCEEDED', `byte ${this.#at}: depth above ${this.#maxDepth}`);
    }
    this.#at += 1;
  }

  #close<T>(container: T): T {
    this.#depth -= 1;
    this.#at += 1;
    return container;
  }

  #count(): void {
    this.#members += 1;
    if (this.#members > this.#maxMembers) {
      throw new CanonicalError(
        'LIMIT_EXCEEDED',
        `byte ${this.#at}: more than ${this.#maxMembers} members`,
      );
    }
  }

  #string(): string {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let at = start;
    while (PLAIN[bytes[at] ?? END] === 1) at += 1;
    if (bytes[at] !== QUOTE) return this.#escapedString(start);
    this.#at = at + 1;
    return this.#read(start, at);
  }

  /** A member name: there are few, so most were read before. */
  #name(): string {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let at = start;
    let hash = 0;
    for (let byte = bytes[at] ?? END; PLAIN[byte] === 1; byte = bytes[at] ?? END) {
      hash = (hash * 31 + byte) | 0;
      at += 1;
    }
    if (bytes[at] !== QUOTE) return this.#escapedString(start);
    this.#at = at + 1;
    const known = knownName(hash, bytes, { start, end: at });
    if (known !== undefined) return known;
    const name = this.#read(start, at);
    keepName(hash, name);
    return name;
  }

  /** A string with short escapes, such as JSON within JSON, as far as it is ASCII. */
  #escapedString(start: number): string {
    const bytes = this.#bytes;
    const scratch = SCRATCH.bytes;
    let at = start;
    let size = 0;
    while (size < scratch.length) {
      let byte = bytes[at] ?? 0;
      let length = 1;
      if (PLAIN[byte] !== 1) {
        if (byte === QUOTE) {
          this.#at = at + 1;
          return SCRATCH.text(size);
        }
        byte = byte === BACKSLASH ? (SHORT_ESCAPES[bytes[at + 1] ?? 0] ?? 0) : 0;
        if (byte === 0) break;
        length = 2;
      }
      scratch[size] = byte;
      size += 1;
      at += length;
    }
    return SCRATCH.text(size) + this.#mixedString(at);
  }

  /** A string of any kind, or the rest of it, or one with an error. */
  #mixedString(start: number): string {
    const units: number[] = [];
    this.#at = start;
    for (;;) {
      const byte = this.#peek();
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) pushCodePoint(units, this.#escape());
      else if (byte >= 0x80) pushCodePoint(units, this.#multiByte());
      else if (byte < 0x20) throw this.#unexpected('the end of the string');
      else {
        units.push(byte);
        this.#at += 1;
      }
    }
    this.#at += 1;
    return textOfUnits(units);
  }

  #multiByte(): number {
    const point = multiByteAt(this.#bytes, this.#at);
    if (point === INVALID) throw this.#unexpected('UTF-8');
    this.#at += multiByteLength(point);
    return point;
  }

  #escape(): number {
    const from = this.#at;
    this.#at += 1;
    const byte = this.#peek();
    if (byte === 0x75) return this.#unicodeEscape(from);
    const unit = ESCAPES.get(byte);
    if (unit === undefined) throw this.#unexpected('an escape');
    if (byte === SLASH) this.#isCanonical = false;
    this.#at += 1;
    return unit;
  }

  #unicodeEscape(from: number): number {
    const first = this.#hexEscape();
    if (first === 0) throw encodingError(from, 'escaped NUL');
    if (!isShortest(first, this.#bytes[this.#at - 1] ?? END)) this.#isCanonical = false;
    if (!isBetween(first, 0xd800, 0xdfff)) return first;
    const isPair =
      first < 0xdc00 && this.#peek() === BACKSLASH && this.#bytes[this.#at + 1] === 0x75;
    if (!isPair) throw encodingError(from, 'lone surrogate');
    this.#at += 1;
    const second = this.#hexEscape();
    if (!isBetween(second, 0xdc00, 0xdfff)) throw encodingError(from, 'lone surrogate');
    return 0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
  }

  /** Reads `uXXXX`. */
  #hexEscape(): number {
    let unit = 0;
    for (let i = 0; i < 4; i += 1) {
      this.#at += 1;
      const digit = hexDigit(this.#peek());
      if (digit === INVALID) throw this.#unexpected('a hex digit');
      unit = unit * 16 + digit;
    }
    this.#at += 1;
    return unit;
  }

  #number(): number {
    const from = this.#at;
    const isNegative = this.#peek() === MINUS;
    if (isNegative) this.#at += 1;
    const first = this.#at;
    let value = 0;
    while (isBetween(this.#peek(), 0x30, 0x39) && this.#at - first <= MAX_DIGITS) {
      value = value * 10 + (this.#peek() - ZERO);
      this.#at += 1;
    }
    const digits = this.#at - first;
    if (digits === 0) throw this.#noDigits(from);
    const hasLeadingZero = this.#bytes[first] === ZERO && (digits > 1 || isNegative);
    if (
      hasLeadingZero ||
      digits > MAX_DIGITS ||
      !Number.isSafeInteger(value) ||
      this.#isFraction()
    ) {
      throw numberError(from);
    }
    return isNegative ? -value : value;
  }

  #isFraction(): boolean {
    const next = this.#peek();
    return next === DOT || next === 0x65 || next === 0x45;
  }

  /** Where a value should start there is no value: is it a kind of number, or nothing at all? */
  #noDigits(from: number): CanonicalError {
    const byte = this.#bytes[from] ?? END;
    this.#at = from;
    if (byte === MINUS || byte === PLUS || byte === DOT) return numberError(from);
    if (this.#isWord('NaN') || this.#isWord('Infinity')) return numberError(from);
    return this.#unexpected('a value');
  }

  #word<T>(word: string, value: T): T {
    if (!this.#isWord(word)) throw this.#unexpected('a value');
    this.#at += word.length;
    return value;
  }

  #isWord(word: string): boolean {
    for (let i = 0; i < word.length; i += 1) {
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Goes over white space to the next token, and returns its first byte. */
  #token(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at] ?? END;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      this.#isCanonical = false;
      at += 1;
      byte = bytes[at] ?? END;
    }
    this.#at = at;
    return byte;
  }

  #peek(): number {
    return this.#bytes[this.#at] ?? END;
  }

  /** The byte here fits no rule: a fault of the text's encoding if it could stand nowhere, else of the syntax. */
  #unexpected(expected: string): CanonicalError {
    const byte = this.#peek();
    if (byte === END) {
      return new CanonicalError(
        'JSON_SYNTAX',
        `byte ${this.#at}: expected ${expected}, got the end`,
      );
    }
    if (byte < 0x20) return encodingError(this.#at, `control character 0x${byte.toString(16)}`);
    const point = byte < 0x80 ? byte : multiByteAt(this.#bytes, this.#at);
    if (point === INVALID) return encodingError(this.#at, 'invalid UTF-8');
    if (point === BYTE_ORDER_MARK && this.#at === 0) return encodingError(0, 'byte order mark');
    const got = `0x${byte.toString(16)}`;
    return new CanonicalError('JSON_SYNTAX', `byte ${this.#at}: expected ${expected}, got ${got}`);
  }
}
