import {
  canonicalText,
  isJsonArray,
  isJsonObject,
  pointerTo,
  type Json,
} from '@countersign/canonical';
import { DescriptorError, type DescriptorErrorCode } from './descriptor-error.ts';
import { formatFault } from './field-format.ts';
import { memberTexts } from './json-member.ts';
import { lengthOf } from './text-length.ts';
import {
  variantOf,
  type ArraySchema,
  type ChoiceSchema,
  type IntegerSchema,
  type ObjectSchema,
  type Schema,
  type TextSchema,
  type UnionSchema,
} from './schema.ts';

/** A member name that may be repeated in a message; any other could itself be a payload. */
const QUOTABLE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

function fault(code: DescriptorErrorCode, pointer: string, expected: string): DescriptorError {
  return new DescriptorError(code, `${pointer === '' ? '/' : pointer}: expected ${expected}`);
}

function checkObject(value: Json, schema: ObjectSchema, pointer: string): void {
  if (!isJsonObject(value)) throw fault('SCHEMA_INVALID', pointer, 'an object');
  for (const name of Object.keys(value)) {
    if (schema.members.has(name)) continue;
    const shown = QUOTABLE_NAME.test(name) ? `"${name}"` : 'one with an unusual name';
    throw fault('UNKNOWN_MEMBER', pointer, `known members only, got ${shown}`);
  }
  for (const [name, member] of schema.members) {
    const at = pointerTo(pointer, name);
    const memberValue = Object.hasOwn(value, name) ? value[name] : undefined;
    if (memberValue !== undefined) checkValue(memberValue, member, at);
    else if (schema.required.has(name)) throw fault('SCHEMA_INVALID', at, 'this member');
  }
}

function checkUnion(value: Json, schema: UnionSchema, pointer: string): void {
  if (!isJsonObject(value)) throw fault('SCHEMA_INVALID', pointer, 'an object');
  const variant = variantOf(schema, value);
  if (variant === undefined) {
    const kinds = [...schema.variants.keys()].join(', ');
    throw fault('SCHEMA_INVALID', pointerTo(pointer, 'kind'), `one of ${kinds}`);
  }
  checkObject(value, variant, pointer);
}

function checkArray(value: Json, schema: ArraySchema, pointer: string): void {
  if (!isJsonArray(value)) throw fault('SCHEMA_INVALID', pointer, 'an array');
  if (value.length > schema.maxItems) {
    throw fault('LIMIT_EXCEEDED', pointer, `at most ${schema.maxItems} items, got ${value.length}`);
  }
  if (value.length < schema.minItems) {
    throw fault('SCHEMA_INVALID', pointer, `at least ${schema.minItems} items`);
  }
  for (const [index, item] of value.entries()) {
    checkValue(item, schema.items, pointerTo(pointer, index));
  }
  if (schema.isUnique && new Set(value.map(canonicalText)).size !== value.length) {
    throw fault('SCHEMA_INVALID', pointer, 'no item twice');
  }
  if (schema.sortedBy !== undefined) checkOrder(value, schema.sortedBy, pointer);
}

/** Strictly ascending by UTF-16 code units, as member names are in the canonical form. */
function checkOrder(items: readonly Json[], member: string, pointer: string): void {
  const keys = memberTexts(items, member);
  for (let i = 1; i < keys.length; i += 1) {
    if ((keys[i - 1] ?? '') < (keys[i] ?? '')) continue;
    throw fault('SCHEMA_INVALID', pointerTo(pointer, i), `items that ascend by ${member}`);
  }
}

function checkText(value: Json, schema: TextSchema, pointer: string): void {
  if (typeof value !== 'string') throw fault('SCHEMA_INVALID', pointer, 'a text');
  const length = lengthOf(value);
  if (length > schema.maxLength) {
    const expected = `at most ${schema.maxLength} characters, got ${length}`;
    throw fault('LIMIT_EXCEEDED', pointer, expected);
  }
  const code = formatFault(schema.format, value);
  if (code !== undefined) throw fault(code, pointer, `the format ${schema.format}`);
  if (length < schema.minLength) {
    throw fault('SCHEMA_INVALID', pointer, `at least ${schema.minLength} characters`);
  }
}

function checkChoice(value: Json, { values }: ChoiceSchema, pointer: string): void {
  if (values.some((choice) => choice === value)) return;
  throw fault('SCHEMA_INVALID', pointer, `one of ${values.join(', ')}`);
}

function checkInteger(value: Json, { minimum, maximum }: IntegerSchema, pointer: string): void {
  if (typeof value === 'number' && value >= minimum && value <= maximum) return;
  throw fault('SCHEMA_INVALID', pointer, `an integer ${minimum} to ${maximum}`);
}

/**
 * Messages hold pointers and expectations only.
 * @throws {DescriptorError} UNKNOWN_MEMBER, SCHEMA_INVALID, LIMIT_EXCEEDED and the codes of the formats
 */
export function checkValue(value: Json, schema: Schema, pointer: string): void {
  switch (schema.kind) {
    case 'object':
      checkObject(value, schema, pointer);
      return;
    case 'array':
      checkArray(value, schema, pointer);
      return;
    case 'union':
      checkUnion(value, schema, pointer);
      return;
    case 'text':
      checkText(value, schema, pointer);
      return;
    case 'choice':
      checkChoice(value, schema, pointer);
      return;
    case 'integer':
      checkInteger(value, schema, pointer);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') throw fault('SCHEMA_INVALID', pointer, 'true or false');
      return;
    case 'document':
      if (!isJsonObject(value)) throw fault('SCHEMA_INVALID', pointer, 'an object');
      return;
  }
}
