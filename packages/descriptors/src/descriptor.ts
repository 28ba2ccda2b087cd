import {
  canonicalBytes,
  digestOf,
  parseStrict,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { batchParts, batchedType, isBatchDocument } from './batch-descriptor.ts';
import { parseBounds } from './bounds.ts';
import { ClosedRecord, unrenderable } from './closed-record.ts';
import { COMPUTATIONS } from './computations.ts';
import type { Computation } from './computation.ts';
import {
  REVERSIBILITIES,
  type Descriptor,
  type ExecutorContract,
  type Field,
  type FieldClass,
  type Reversibility,
} from './descriptor-type.ts';
import { placesOf, type Places } from './schema-place.ts';
import { parseSchema } from './schema.ts';
import {
  fieldsOf,
  literalText,
  parseEntry,
  type TemplateEntry,
  type TemplateLine,
} from './template.ts';

export type { Descriptor, ExecutorContract, FieldClass, Reversibility };

const MEMBERS = [
  ...['v', 'type', 'type_version', 'title', 'reversibility', 'schema', 'fields', 'template'],
  ...['claims', 'not_covered', 'executor_contract', 'bounds'],
];
const FIELD_MEMBERS = ['class', 'precondition', 'material', 'reason'];
const CONTRACT_MEMBERS = ['interface', 'preconditions', 'optional_preconditions', 'record'];
const CLASSES: readonly FieldClass[] = ['executed', 'precondition', 'claimed'];
const TYPE = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/;
const TYPE_VERSION_MAX = 9999;
const ROOT = '/params';

function parseContract(json: Json | undefined): ExecutorContract {
  const record = new ClosedRecord(json, 'executor_contract', CONTRACT_MEMBERS);
  return {
    interface: record.text('interface'),
    preconditions: record.texts('preconditions'),
    optionalPreconditions: record.has('optional_preconditions')
      ? record.texts('optional_preconditions')
      : [],
    record: literalText(record.text('record'), 'executor_contract/record'),
  };
}

function parseField(json: Json, where: string, contract: ExecutorContract): Field {
  const record = new ClosedRecord(json, where, FIELD_MEMBERS);
  const name = record.text('class');
  const fieldClass = CLASSES.find((known) => known === name);
  if (fieldClass === undefined) throw unrenderable(where, `a class: ${CLASSES.join(', ')}`);
  const precondition = record.optionalText('precondition');
  const known = [...contract.preconditions, ...contract.optionalPreconditions];
  if ((fieldClass === 'precondition') !== (precondition !== undefined)) {
    throw unrenderable(where, 'a precondition for the class precondition, and for no other');
  }
  if (precondition !== undefined && !known.includes(precondition)) {
    throw unrenderable(where, 'a precondition of the executor contract');
  }
  if (record.has('material') && record.get('material') !== false) {
    throw unrenderable(where, 'material to be false or left out');
  }
  const reason = record.optionalText('reason');
  if (record.has('material') !== (reason !== undefined)) {
    throw unrenderable(where, 'a reason for each non-material field');
  }
  return { class: fieldClass, precondition, nonMaterial: reason };
}

function parseFields(
  json: JsonObject,
  places: Places,
  contract: ExecutorContract,
): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  for (const [pointer, field] of Object.entries(json)) {
    const where = `fields ${pointer}`;
    if (!places.leaves.has(pointer)) throw unrenderable(where, 'a field of the schema');
    fields.set(pointer, parseField(field, where, contract));
  }
  for (const pointer of places.leaves.keys()) {
    if (!fields.has(pointer)) throw unrenderable(`fields ${pointer}`, 'a class for this field');
  }
  return fields;
}

export function isLine(entry: TemplateEntry): entry is TemplateLine {
  return 'label' in entry;
}

export function computationOf(name: string): Computation {
  const computation = COMPUTATIONS.get(name);
  if (computation === undefined) throw unrenderable('template', 'a computation of this renderer');
  return computation;
}

function shownBy(entry: TemplateEntry): readonly string[] {
  return isLine(entry) ? fieldsOf(entry) : computationOf(entry.computed).shows;
}

/** Each field in its own box, and none left out: what nobody sees, nobody has approved (E04). */
function checkCoverage(
  descriptor: Pick<Descriptor, 'fields' | 'template' | 'claims'>,
  { arrays }: Places,
): void {
  const shown = new Set(descriptor.template.flatMap(shownBy));
  const claimed = new Set(descriptor.claims.flatMap(shownBy));
  for (const pointer of [...shown, ...claimed]) {
    if (!descriptor.fields.has(pointer) && !arrays.has(pointer)) {
      throw unrenderable('template', 'computations that show fields of this schema');
    }
  }
  for (const [pointer, field] of descriptor.fields) {
    const isClaim = field.class === 'claimed';
    if ((isClaim ? shown : claimed).has(pointer)) {
      throw unrenderable(`fields ${pointer}`, 'claimed fields in claims, all others in template');
    }
    if (field.nonMaterial === undefined && !(isClaim ? claimed : shown).has(pointer)) {
      throw unrenderable(`fields ${pointer}`, 'to be shown, or to be declared non-material');
    }
  }
}

function parseType(record: ClosedRecord): Pick<Descriptor, 'type' | 'typeVersion'> {
  const type = record.text('type');
  const typeVersion = record.count('type_version');
  if (!TYPE.test(type)) throw unrenderable('type', 'lower-case words joined by dots');
  if (batchedType(type) !== undefined) throw unrenderable('type', 'batch. for a batch alone');
  if (typeVersion < 1 || typeVersion > TYPE_VERSION_MAX) {
    throw unrenderable('type_version', `1 to ${TYPE_VERSION_MAX}`);
  }
  return { type, typeVersion };
}

/**
 * Loads an action type from its document, `countersign.descriptor.v1`. A type that could hide something
 * from the human does not load.
 * @throws {DescriptorError} UNRENDERABLE
 * @throws {CanonicalError} for what is no JSON of our profile
 * @example loadDescriptor(parseStrict(bytes)).digest
 */
export function loadDescriptor(document: Json): Descriptor {
  // A copy, which no caller can change under the digest.
  const whole = parseStrict(canonicalBytes(document));
  if (isBatchDocument(whole)) {
    const { parts, kept } = batchParts(whole, loadDescriptor);
    return named(parts, kept);
  }
  const record = new ClosedRecord(whole, 'document', MEMBERS);
  if (record.text('v') !== 'countersign.descriptor.v1') {
    throw unrenderable('v', 'countersign.descriptor.v1');
  }
  const schema = parseSchema(record.object('schema'), 'schema');
  if (schema.kind !== 'object') throw unrenderable('schema', 'an object');
  const places = placesOf(schema, ROOT);
  const contract = parseContract(record.get('executor_contract'));
  const reversibility = REVERSIBILITIES.find((known) => known === record.get('reversibility'));
  if (reversibility === undefined) {
    throw unrenderable('reversibility', REVERSIBILITIES.join(', '));
  }
  const fields = parseFields(record.object('fields'), places, contract);
  const parts = {
    ...parseType(record),
    title: literalText(record.text('title'), 'title'),
    reversibility,
    schema,
    fields,
    template: record.list('template').map((entry, i) => parseEntry(entry, `template/${i}`, places)),
    claims: record.list('claims').map((entry, i) => parseEntry(entry, `claims/${i}`, places)),
    notCovered: record.texts('not_covered').map((text) => literalText(text, 'not_covered')),
    contract,
    bounds: record.has('bounds')
      ? parseBounds(record.list('bounds'), { schema, places, fields })
      : undefined,
    of: undefined,
  };
  checkCoverage(parts, places);
  return named(parts, record.whole());
}

function named(parts: object, document: JsonObject): Descriptor {
  const digest = digestOf('countersign/descriptor/v1', document);
  return { ...parts, document, digest } as unknown as Descriptor;
}
