import { isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { variantOf, type Descriptor, type FactKinds, type Schema } from '@countersign/descriptors';
import type { CedarValueJson, Type, TypeOfAttribute } from '@cedar-policy/cedar-wasm/nodejs';

type Attributes = Record<string, TypeOfAttribute<string>>;
type Named = Readonly<Record<string, Json | undefined>>;

/** Which fields of the params: what the agent merely claims is apart from what is run or checked. */
export type Side = 'stated' | 'claimed';

interface Place {
  readonly fields: Descriptor['fields'];
  readonly side: Side;
  /** As a descriptor writes it. */
  readonly pointer: string;
}

/** The entity type of actions of a type: each version is one of its own, so no rule for one covers the next unread. */
export function entityTypeOf({ type, typeVersion }: Descriptor): string {
  return `${type.replaceAll('.', '::')}_v${typeVersion}`;
}

/** What Cedar knows the params as; undefined where none of them is on this side. */
export function paramsType(descriptor: Descriptor, side: Side): Type<string> | undefined {
  return typeOf(descriptor.schema, { fields: descriptor.fields, side, pointer: '/params' });
}

/** The params as Cedar knows them. They have passed the schema. */
export function paramsValue(
  descriptor: Descriptor,
  side: Side,
  params: JsonObject,
): CedarValueJson | undefined {
  const place = { fields: descriptor.fields, side, pointer: '/params' };
  return valueOf(params, descriptor.schema, place);
}

export function factsType(kinds: FactKinds): Type<string> {
  const types: Readonly<Record<FactKinds[string], Type<string>>> = {
    text: { type: 'String' },
    integer: { type: 'Long' },
    boolean: { type: 'Boolean' },
    texts: { type: 'Set', element: { type: 'String' } },
  };
  const attributes = Object.entries(kinds).map(([name, kind]) => [name, types[kind]] as const);
  return { type: 'Record', attributes: Object.fromEntries(attributes) };
}

/** Of the schemas of a descriptor, by side and pointer: none of them ever changes, and every action asks for all of them. */
const known = new WeakMap<Place['fields'], WeakMap<Schema, Map<string, Known>>>();

interface Known {
  readonly type: Type<string> | undefined;
}

function typeOf(schema: Schema, place: Place): Type<string> | undefined {
  const bySchema = known.get(place.fields) ?? new WeakMap<Schema, Map<string, Known>>();
  known.set(place.fields, bySchema);
  const byPlace = bySchema.get(schema) ?? new Map<string, Known>();
  bySchema.set(schema, byPlace);
  const key = `${place.side} ${place.pointer}`;
  const kept = byPlace.get(key) ?? { type: derivedType(schema, place) };
  byPlace.set(key, kept);
  return kept.type;
}

/** schemas/formats/policy.md §7.2: undefined for what Cedar cannot hold, or what is on the other side. */
function derivedType(schema: Schema, place: Place): Type<string> | undefined {
  if (schema.kind === 'object') {
    return recordType(
      [...schema.members].map(([name, member]) => {
        const type = typeOf(member, within(place, name));
        return [name, type && { ...type, required: schema.required.has(name) }];
      }),
    );
  }
  if (schema.kind === 'union') return unionType(schema, place);
  if (schema.kind === 'array') {
    const element = typeOf(schema.items, within(place, '*'));
    return element && { type: 'Set', element };
  }
  return isOn(place) ? leafType(schema) : undefined;
}

function leafType(schema: Schema): Type<string> | undefined {
  if (schema.kind === 'text') return { type: 'String' };
  if (schema.kind === 'integer') return { type: 'Long' };
  if (schema.kind === 'boolean') return { type: 'Boolean' };
  if (schema.kind !== 'choice') return undefined;
  if (schema.values.every((value) => typeof value === 'string')) return { type: 'String' };
  return schema.values.every((value) => typeof value === 'number') ? { type: 'Long' } : undefined;
}

function recordType(
  members: readonly (readonly [string, TypeOfAttribute<string> | undefined])[],
): Type<string> | undefined {
  const known = members.filter((member): member is [string, TypeOfAttribute<string>] => {
    return member[1] !== undefined;
  });
  if (known.length === 0) return undefined;
  return { type: 'Record', attributes: Object.fromEntries(known) };
}

/** All variants in one record, which has `kind` and may have the rest. What two of them mean differently is left out. */
function unionType(
  schema: Extract<Schema, { kind: 'union' }>,
  place: Place,
): Type<string> | undefined {
  const records = [...schema.variants.values()].map((variant) => typeOf(variant, place));
  const members = new Map<string, TypeOfAttribute<string> | undefined>();
  for (const record of records) {
    for (const [name, type] of Object.entries(attributesOf(record))) {
      const loose = { ...type, required: name === 'kind' };
      const isNew = !members.has(name);
      const isSame = JSON.stringify(members.get(name)) === JSON.stringify(loose);
      members.set(name, isNew || isSame ? loose : undefined);
    }
  }
  return recordType([...members]);
}

function attributesOf(type: Type<string> | undefined): Attributes {
  return type !== undefined && 'attributes' in type ? type.attributes : {};
}

function valueOf(value: Json, schema: Schema, place: Place): CedarValueJson | undefined {
  if (typeOf(schema, place) === undefined) return undefined;
  if (schema.kind === 'object') {
    return isNamed(value) ? recordValue(value, schema.members, place) : undefined;
  }
  if (schema.kind === 'union') {
    const variant = isNamed(value) ? variantOf(schema, value) : undefined;
    if (variant === undefined || !isNamed(value)) return undefined;
    const shared = attributesOf(typeOf(schema, place));
    const members = [...variant.members].filter(([name]) => Object.hasOwn(shared, name));
    return recordValue(value, new Map(members), place);
  }
  if (schema.kind === 'array') {
    const items = Array.isArray(value) ? (value as readonly Json[]) : [];
    return items
      .map((item) => valueOf(item, schema.items, within(place, '*')))
      .filter((item) => item !== undefined);
  }
  return value as CedarValueJson;
}

function recordValue(
  value: Named,
  members: ReadonlyMap<string, Schema>,
  place: Place,
): CedarValueJson {
  const record: Record<string, CedarValueJson> = {};
  for (const [name, schema] of members) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    const held = member === undefined ? undefined : valueOf(member, schema, within(place, name));
    if (held !== undefined) record[name] = held;
  }
  return record;
}

function isNamed(value: Json): value is JsonObject {
  return isJsonObject(value);
}

function within(place: Place, step: string): Place {
  return { ...place, pointer: `${place.pointer}/${step}` };
}

function isOn({ fields, side, pointer }: Place): boolean {
  const field = fields.get(pointer);
  return field !== undefined && (field.class === 'claimed') === (side === 'claimed');
}
