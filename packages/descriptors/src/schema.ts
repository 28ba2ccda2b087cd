import { isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { ClosedRecord, unrenderable } from './closed-record.ts';
import { BOUNDED_FORMATS, FIELD_FORMATS, type FieldFormat } from './field-format.ts';

export interface ObjectSchema {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, Schema>;
  readonly required: ReadonlySet<string>;
}

export interface ArraySchema {
  readonly kind: 'array';
  readonly items: Schema;
  readonly minItems: number;
  readonly maxItems: number;
  readonly isUnique: boolean;
  /** Member by which the items ascend strictly, so that each value of it is there once. */
  readonly sortedBy: string | undefined;
}

export interface TextSchema {
  readonly kind: 'text';
  readonly format: FieldFormat;
  readonly minLength: number;
  readonly maxLength: number;
}

export interface IntegerSchema {
  readonly kind: 'integer';
  readonly minimum: number;
  readonly maximum: number;
}

export interface ChoiceSchema {
  readonly kind: 'choice';
  readonly values: readonly (string | number)[];
}

/** Objects told apart by the constant in their member `kind`. */
export interface UnionSchema {
  readonly kind: 'union';
  readonly variants: ReadonlyMap<string, ObjectSchema>;
}

/**
 * The closed subset of JSON Schema 2020-12 that descriptors use. `document` is an object whose content
 * another format defines: always shown whole, as its canonical lines.
 * schemas/formats/descriptor-and-display.md §3.
 */
export type Schema =
  | ObjectSchema
  | ArraySchema
  | TextSchema
  | IntegerSchema
  | ChoiceSchema
  | UnionSchema
  | { readonly kind: 'boolean' }
  | { readonly kind: 'document' };

const DEPTH_MAX = 12;
const DISCRIMINATOR = 'kind';

/** So a pointer needs no escapes, and a step of digits is always an index. */
const MEMBER_NAME = /^[a-z][a-z0-9_]*$/;

const OBJECT_KEYWORDS = ['type', 'additionalProperties', 'properties', 'required', 'description'];
const ARRAY_KEYWORDS = [
  ...['type', 'items', 'minItems', 'maxItems', 'uniqueItems', 'x-sorted-by', 'description'],
];
const TEXT_KEYWORDS = ['type', 'format', 'minLength', 'maxLength', 'description'];

function isFieldFormat(text: string): text is FieldFormat {
  return FIELD_FORMATS.some((format) => format === text);
}

function parseChoice(json: JsonObject, where: string): ChoiceSchema {
  const record = new ClosedRecord(json, where, ['const', 'enum', 'description']);
  const constant = record.get('const');
  const values = constant === undefined ? record.list('enum') : [constant];
  const isClosed = values.length > 0 && !(record.has('const') && record.has('enum'));
  const choices = values.filter((value) => typeof value === 'string' || typeof value === 'number');
  if (!isClosed || choices.length !== values.length || new Set(choices).size !== choices.length) {
    throw unrenderable(where, 'one const, or an enum of distinct texts or integers');
  }
  return { kind: 'choice', values: choices };
}

function parseObject(json: JsonObject, where: string, depth: number): Schema {
  if (json['format'] === 'json-document') {
    new ClosedRecord(json, where, ['type', 'format', 'description']);
    return { kind: 'document' };
  }
  const record = new ClosedRecord(json, where, OBJECT_KEYWORDS);
  if (record.get('additionalProperties') !== false) {
    throw unrenderable(
      where,
      'additionalProperties false: an open object can hold what nobody saw',
    );
  }
  const members = new Map<string, Schema>();
  for (const [name, schema] of Object.entries(record.object('properties'))) {
    if (!MEMBER_NAME.test(name)) throw unrenderable(where, 'lower-case member names');
    members.set(name, parseAt(schema, `${where}/${name}`, depth + 1));
  }
  const required = new Set(record.texts('required'));
  if ([...required].some((name) => !members.has(name))) {
    throw unrenderable(where, 'required to name properties only');
  }
  return { kind: 'object', members, required };
}

function parseArray(json: JsonObject, where: string, depth: number): ArraySchema {
  const record = new ClosedRecord(json, where, ARRAY_KEYWORDS);
  const items = parseAt(record.get('items'), `${where}/*`, depth + 1);
  const sortedBy = record.optionalText('x-sorted-by');
  if (sortedBy !== undefined && !isSortMember(items, sortedBy)) {
    throw unrenderable(where, 'x-sorted-by to name a required text of the items');
  }
  const isUnique = record.get('uniqueItems') ?? false;
  if (typeof isUnique !== 'boolean') throw unrenderable(where, 'uniqueItems true or false');
  return {
    kind: 'array',
    items,
    minItems: record.has('minItems') ? record.count('minItems') : 0,
    maxItems: record.count('maxItems'),
    isUnique,
    sortedBy,
  };
}

function isSortMember(items: Schema, name: string): boolean {
  return (
    items.kind === 'object' && items.required.has(name) && items.members.get(name)?.kind === 'text'
  );
}

function parseText(json: JsonObject, where: string): TextSchema {
  const record = new ClosedRecord(json, where, TEXT_KEYWORDS);
  const format = record.text('format');
  if (!isFieldFormat(format)) throw unrenderable(where, 'a format of the list');
  const isBounded = BOUNDED_FORMATS.has(format) && !record.has('maxLength');
  return {
    kind: 'text',
    format,
    minLength: record.has('minLength') ? record.count('minLength') : 0,
    maxLength: isBounded ? Number.MAX_SAFE_INTEGER : record.count('maxLength'),
  };
}

function parseInteger(json: JsonObject, where: string): IntegerSchema {
  const record = new ClosedRecord(json, where, ['type', 'minimum', 'maximum', 'description']);
  return { kind: 'integer', minimum: record.count('minimum'), maximum: record.count('maximum') };
}

function parseUnion(json: JsonObject, where: string, depth: number): UnionSchema {
  const record = new ClosedRecord(json, where, ['oneOf', 'description']);
  const variants = new Map<string, ObjectSchema>();
  for (const [index, json] of record.list('oneOf').entries()) {
    const variant = parseAt(json, `${where}/oneOf/${index}`, depth + 1);
    const name = variant.kind === 'object' ? variantName(variant) : undefined;
    if (variant.kind !== 'object' || name === undefined || variants.has(name)) {
      throw unrenderable(where, 'oneOf objects that each require another constant kind');
    }
    variants.set(name, variant);
  }
  if (variants.size === 0) throw unrenderable(where, 'at least one variant');
  return { kind: 'union', variants };
}

function variantName(variant: ObjectSchema): string | undefined {
  const kind = variant.members.get(DISCRIMINATOR);
  if (kind?.kind !== 'choice' || !variant.required.has(DISCRIMINATOR)) return undefined;
  const [name, ...others] = kind.values;
  return typeof name === 'string' && others.length === 0 ? name : undefined;
}

function parseBoolean(json: JsonObject, where: string): Schema {
  new ClosedRecord(json, where, ['type', 'description']);
  return { kind: 'boolean' };
}

const PARSERS: ReadonlyMap<string, (json: JsonObject, where: string, depth: number) => Schema> =
  new Map([
    ['object', parseObject],
    ['array', parseArray],
    ['string', parseText],
    ['integer', parseInteger],
    ['boolean', parseBoolean],
  ]);

function parseAt(json: Json | undefined, where: string, depth: number): Schema {
  if (depth > DEPTH_MAX) throw unrenderable(where, `at most ${DEPTH_MAX} levels`);
  if (!isJsonObject(json)) throw unrenderable(where, 'a schema');
  if ('const' in json || 'enum' in json) return parseChoice(json, where);
  if ('oneOf' in json) return parseUnion(json, where, depth);
  const type = json['type'];
  const parse = typeof type === 'string' ? PARSERS.get(type) : undefined;
  if (parse === undefined) throw unrenderable(where, `a type: ${[...PARSERS.keys()].join(', ')}`);
  return parse(json, where, depth);
}

/** @throws {DescriptorError} UNRENDERABLE for anything outside the subset, open objects first of all */
export function parseSchema(json: Json, where: string): Schema {
  return parseAt(json, where, 0);
}

/** The variant that a value of a union claims to be. */
export function variantOf(schema: UnionSchema, value: JsonObject): ObjectSchema | undefined {
  const kind = value[DISCRIMINATOR];
  return typeof kind === 'string' ? schema.variants.get(kind) : undefined;
}
