import type { JsonObject } from '@countersign/canonical';

/** Whether two JSON values are the same: what both were parsed from would have the same canonical text. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) return areSameLists(a, b);
  const names = Object.keys(a);
  const others = Object.keys(b);
  if (names.length !== others.length) return false;
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at] ?? '';
    // Canonical documents have their members in the same places.
    if (name !== others[at] && !Object.hasOwn(b, name)) return false;
    if (!sameJson(a[name], b[name])) return false;
  }
  return true;
}

/** Whether a JSON object says the same of each of these members; the others may be what they like. */
export function says(json: unknown, members: JsonObject): boolean {
  if (!isContainer(json)) return false;
  return Object.keys(members).every(
    (name) => Object.hasOwn(json, name) && sameJson(json[name], members[name]),
  );
}

function areSameLists(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) {
    if (!sameJson(a[at], b[at])) return false;
  }
  return true;
}

function isContainer(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
