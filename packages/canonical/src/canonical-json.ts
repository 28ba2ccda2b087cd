import { utf8ToBytes } from '@noble/hashes/utils.js';
import { CanonicalError } from './canonical-error.ts';
import { DEPTH_CEILING, type Json, type JsonObject } from './json-value.ts';
import { hasLoneSurrogate } from './utf8.ts';

/** Printable ASCII without `"` and `\`: needs no escape. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Plain means: at most one prototype up there. Dates, maps, byte arrays and class instances have two. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function writeString(text: string): string {
  if (PLAIN_TEXT.test(text)) return `"${text}"`;
  if (hasLoneSurrogate(text) || text.includes('\0')) {
    throw new CanonicalError('TEXT_ENCODING', 'expected well-formed text without NUL');
  }
  // ECMAScript's own quoting is what RFC 8785 §3.2.2.2 copies.
  return JSON.stringify(text);
}

function writeNumber(value: number): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    throw new CanonicalError('NUMBER_OUT_OF_PROFILE', 'expected an integer within 2^53 - 1');
  }
  return String(value);
}

function writeArray(elements: readonly Json[], depth: number): string {
  let text = '[';
  for (let i = 0; i < elements.length; i += 1) {
    text += i === 0 ? write(elements[i], depth) : `,${write(elements[i], depth)}`;
  }
  return `${text}]`;
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

function writeObject(members: JsonObject, depth: number): string {
  if (!isPlainObject(members)) {
    throw new CanonicalError('JSON_SYNTAX', 'expected a plain object, got an instance of a class');
  }
  const names = sorted(Object.keys(members));
  let text = '{';
  let separator = '';
  for (const name of names) {
    text += `${separator}${writeString(name)}:${write(members[name], depth)}`;
    separator = ',';
  }
  return `${text}}`;
}

function writeContainer(value: JsonObject | readonly Json[], depth: number): string {
  if (depth > DEPTH_CEILING) {
    throw new CanonicalError('LIMIT_EXCEEDED', `expected depth at most ${DEPTH_CEILING}`);
  }
  return isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
}

function write(value: Json | undefined, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      return value === null ? 'null' : writeContainer(value, depth + 1);
    case 'undefined':
    case 'function':
    case 'symbol':
    case 'bigint':
      throw new CanonicalError('JSON_SYNTAX', `expected a JSON value, got ${typeof value}`);
  }
}

/**
 * The canonical form of RFC 8785 as text. All that it writes passes the gate, limits aside.
 * @throws {CanonicalError} NUMBER_OUT_OF_PROFILE, TEXT_ENCODING, JSON_SYNTAX, LIMIT_EXCEEDED
 */
export function canonicalText(value: Json): string {
  return write(value, 0);
}

/** As canonicalText, in UTF-8: what is hashed and signed. */
export function canonicalBytes(value: Json): Uint8Array {
  return utf8ToBytes(write(value, 0));
}
