import { isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { ClosedRecord, unrenderable } from './closed-record.ts';
import type { Descriptor, Field } from './descriptor-type.ts';
import { parseSchema, type ObjectSchema } from './schema.ts';
import { literalText } from './template.ts';

const VERSION = 'countersign.batch-descriptor.v1';
const MEMBERS = ['v', 'type', 'type_version', 'title', 'not_covered', 'of'];

/** More than one person can look at in one sitting; so the path of an item stays short, too. */
const ITEMS_MAX = 64;
const PREFIX = 'batch.';

/** The type of the items, by the name alone: schemas/formats/batch-of-actions.md §1. */
export function batchedType(type: string): string | undefined {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : undefined;
}

/** The document of the type that runs many actions of one type under one approval. */
export function batchDocument(inner: JsonObject, title: string): JsonObject {
  const { type } = inner;
  return {
    v: VERSION,
    type: `${PREFIX}${typeof type === 'string' ? type : ''}`,
    type_version: inner['type_version'] ?? 0,
    title,
    not_covered: [
      'Whether every item will run: each is used by itself, and what is left may be revoked.',
    ],
    of: inner,
  };
}

export function isBatchDocument(document: Json): document is JsonObject {
  return isJsonObject(document) && document['v'] === VERSION;
}

type Parts = Omit<Descriptor, 'document' | 'digest' | keyof { readonly [loaded: symbol]: true }>;

/**
 * What a batch is made of, all of it out of the type of its items: so nothing of an item has two meanings.
 * @throws {DescriptorError} UNRENDERABLE
 */
export function batchParts(
  document: JsonObject,
  load: (document: Json) => Descriptor,
): { readonly parts: Parts; readonly kept: JsonObject } {
  const record = new ClosedRecord(document, 'document', MEMBERS);
  const of = load(record.object('of'));
  const type = record.text('type');
  if (type !== PREFIX + of.type || record.count('type_version') !== of.typeVersion) {
    throw unrenderable('type', 'batch. before the type of the items, and their version');
  }
  // What each use chooses, or what changes the authority at once, is approved one by one.
  if (of.of !== undefined || of.bounds !== undefined || of.type.startsWith('authority.')) {
    throw unrenderable('of', 'a type without bounds, that is no batch and none of the authority');
  }
  const title = literalText(record.text('title'), 'title');
  const own = record.texts('not_covered').map((text) => literalText(text, 'not_covered'));
  const parts: Parts = {
    type,
    typeVersion: of.typeVersion,
    title,
    reversibility: of.reversibility,
    schema: schemaOf(record.object('of')),
    fields: fieldsOf(of),
    template: [],
    claims: [],
    notCovered: [...own, ...of.notCovered],
    contract: { ...of.contract, preconditions: [], optionalPreconditions: [] },
    bounds: undefined,
    of,
  };
  return { parts, kept: record.whole() };
}

function schemaOf(inner: JsonObject): ObjectSchema {
  const precondition = {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'digest'],
    properties: {
      name: { type: 'string', format: 'precondition-name' },
      digest: { type: 'string', format: 'sha256' },
    },
  };
  const item = {
    type: 'object',
    additionalProperties: false,
    required: ['params'],
    properties: {
      params: inner['schema'] ?? null,
      // Left out where there are none: no item has two spellings.
      preconditions: { type: 'array', minItems: 1, maxItems: 8, items: precondition },
    },
  };
  const schema = parseSchema(
    {
      type: 'object',
      additionalProperties: false,
      required: ['order', 'items'],
      properties: {
        order: { enum: ['any', 'listed'] },
        items: { type: 'array', minItems: 1, maxItems: ITEMS_MAX, items: item },
      },
    },
    'schema',
  );
  if (schema.kind !== 'object') throw unrenderable('schema', 'an object');
  return schema;
}

const EXECUTED: Field = { class: 'executed', precondition: undefined, nonMaterial: undefined };

function fieldsOf(of: Descriptor): ReadonlyMap<string, Field> {
  const inner = [...of.fields].map(
    ([pointer, field]) => [`/params/items/*${pointer}`, field] as const,
  );
  return new Map([
    ['/params/order', EXECUTED],
    ...inner,
    ['/params/items/*/preconditions/*/name', EXECUTED],
    ['/params/items/*/preconditions/*/digest', EXECUTED],
  ]);
}
