import type { Json, JsonObject } from '@countersign/canonical';

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isJsonArray(value);
}

/** A name as a step of a JSON pointer (RFC 6901 §3). */
function pointerStep(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function pointerTo(parent: string, name: string | number): string {
  return `${parent}/${typeof name === 'number' ? name : pointerStep(name)}`;
}

/** The value that a pointer names, or undefined. */
export function valueAt(root: Json, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isJsonArray(value)) value = value[Number(name)];
    else if (isJsonObject(value) && Object.hasOwn(value, name)) value = value[name];
    else return undefined;
  }
  return value;
}

/** The texts that these items hold under one name. */
export function memberTexts(items: Json | undefined, name: string): string[] {
  if (!isJsonArray(items)) return [];
  return items
    .map((item) => (isJsonObject(item) ? item[name] : undefined))
    .filter((value) => typeof value === 'string');
}
