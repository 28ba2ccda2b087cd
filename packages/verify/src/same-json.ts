import type { JsonObject } from '@countersign/canonical';

/** Whether two JSON values are the same: what both were parsed from would have the same canonical text. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  // Arrays compare by their indexes, as objects by their names.
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  for (const name of names) {
    if (!Object.hasOwn(b, name) || !sameJson(a[name], b[name])) return false;
  }
  return true;
}

function isContainer(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
