import {
  CanonicalError,
  canonicalText,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { DescriptorError } from './descriptor-error.ts';

const DEPTH_MAX = 32;

/**
 * The text of RFC 8785 with every number that JSON has. Our own profile has integers alone, but what a foreign tool takes
 * is not ours to choose: it travels as this text. schemas/formats/action-types.md §2.
 * @throws {CanonicalError} TEXT_ENCODING, LIMIT_EXCEEDED; NUMBER_OUT_OF_PROFILE for what is no number of JSON
 * @example exactJsonText({ ratio: 0.5 })
 */
export function exactJsonText(value: Json): string {
  return written(value, 0);
}

function written(value: Json, depth: number): string {
  if (isJsonArray(value)) {
    const inner = deeper(depth);
    return `[${value.map((item) => written(item, inner)).join(',')}]`;
  }
  if (isJsonObject(value)) {
    const inner = deeper(depth);
    const members = Object.keys(value)
      .sort()
      .map((name) => `${canonicalText(name)}:${written(value[name] ?? null, inner)}`);
    return `{${members.join(',')}}`;
  }
  return typeof value === 'number' ? writtenNumber(value) : canonicalText(value);
}

function deeper(depth: number): number {
  if (depth < DEPTH_MAX) return depth + 1;
  throw new CanonicalError('LIMIT_EXCEEDED', `expected depth at most ${DEPTH_MAX}`);
}

function writtenNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  throw new CanonicalError('NUMBER_OUT_OF_PROFILE', 'expected a finite number');
}

/**
 * The object that is written so. A text that would be written otherwise is refused, whatever the reason: white space, a name
 * twice, an order, an escape, a number that loses digits. So no two parsers read two values.
 * @throws {DescriptorError} SCHEMA_INVALID, LIMIT_EXCEEDED
 */
export function parseExactJson(text: string, pointer: string): JsonObject {
  const value = parsed(text, pointer);
  if (!isJsonObject(value)) {
    throw new DescriptorError('SCHEMA_INVALID', `${pointer}: expected an object`);
  }
  if (rewritten(value, pointer) !== text) {
    throw new DescriptorError('SCHEMA_INVALID', `${pointer}: expected the text of RFC 8785`);
  }
  return value;
}

function parsed(text: string, pointer: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // The cause would quote the text.
    if (!(error instanceof SyntaxError)) throw error;
    throw new DescriptorError('SCHEMA_INVALID', `${pointer}: expected JSON`);
  }
}

function rewritten(value: JsonObject, pointer: string): string {
  try {
    return exactJsonText(value);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    const code = error.code === 'LIMIT_EXCEEDED' ? 'LIMIT_EXCEEDED' : 'SCHEMA_INVALID';
    throw new DescriptorError(code, `${pointer}: expected the text of RFC 8785`, { cause: error });
  }
}
