import { isJsonArray, isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { variantOf, type ObjectSchema, type Schema } from './schema.ts';

type Visit = (pointer: string, schema: Schema) => void;

function walk(schema: Schema, pointer: string, visit: Visit): void {
  visit(pointer, schema);
  if (schema.kind === 'object') {
    for (const [name, member] of schema.members) walk(member, `${pointer}/${name}`, visit);
  } else if (schema.kind === 'array') {
    walk(schema.items, `${pointer}/*`, visit);
  } else if (schema.kind === 'union') {
    for (const variant of schema.variants.values()) walk(variant, pointer, visit);
  }
}

/** What a descriptor may point at, with `*` for the items of an array. */
export interface Places {
  /** Where a value can stand that is no array and no object with members of its own. */
  readonly leaves: ReadonlyMap<string, Schema>;
  readonly arrays: ReadonlySet<string>;
}

export function placesOf(schema: Schema, root: string): Places {
  const leaves = new Map<string, Schema>();
  const arrays = new Set<string>();
  walk(schema, root, (pointer, { kind }) => {
    if (kind === 'array') arrays.add(pointer);
  });
  walk(schema, root, (pointer, place) => {
    const isLeaf = place.kind !== 'array' && place.kind !== 'object' && place.kind !== 'union';
    if (isLeaf) leaves.set(pointer, place);
  });
  return { leaves, arrays };
}

/** Where one value stands. */
export interface ValuePlace {
  readonly pointer: string;
  /** As a descriptor writes it: with `*` for an index. */
  readonly pattern: string;
}

/**
 * Where values stand in this document: leaves, with the indexes of the items, and arrays without items.
 * The document has passed the schema.
 */
export function valuePlaces(value: Json, schema: Schema, root: string): ValuePlace[] {
  const places: ValuePlace[] = [];
  collect({ value, schema }, { pointer: root, pattern: root }, places);
  return places;
}

function collect(
  { value, schema }: { readonly value: Json; readonly schema: Schema },
  place: ValuePlace,
  places: ValuePlace[],
): void {
  if (schema.kind === 'array' && isJsonArray(value) && value.length > 0) {
    const pattern = `${place.pattern}/*`;
    for (const [i, item] of value.entries()) {
      const at = { pointer: `${place.pointer}/${i}`, pattern };
      collect({ value: item, schema: schema.items }, at, places);
    }
    return;
  }
  const object = schema.kind === 'union' && isJsonObject(value) ? variantOf(schema, value) : schema;
  if (object?.kind === 'object' && isJsonObject(value))
    collectMembers(value, object, { place, places });
  else places.push(place);
}

function collectMembers(
  value: JsonObject,
  schema: ObjectSchema,
  { place, places }: { readonly place: ValuePlace; readonly places: ValuePlace[] },
): void {
  for (const [name, member] of schema.members) {
    const memberValue = Object.hasOwn(value, name) ? value[name] : undefined;
    if (memberValue === undefined) continue;
    const at = { pointer: `${place.pointer}/${name}`, pattern: `${place.pattern}/${name}` };
    collect({ value: memberValue, schema: member }, at, places);
  }
}
