import type { JsonObject } from '@countersign/canonical';

/** Whether two JSON values are the same: what both were parsed from would have the same canonical text. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) return areSameLists(a, b);
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  for (const name of names) {
    if (!Object.hasOwn(b, name) || !sameJson(a[name], b[name])) return false;
  }
  return true;
}

function areSameLists(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  return a.every((element, at) => sameJson(element, b[at]));
}

function isContainer(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
