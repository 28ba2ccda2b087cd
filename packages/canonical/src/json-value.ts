/** A JSON value. Numbers are safe integers only: schemas/formats/canonical-json.md §2. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export type JsonObject = { readonly [name: string]: Json };

export function isJsonArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

export function isJsonObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !isJsonArray(json);
}

/** For a message that says what was got: never a text itself, which may be a secret in the wrong place. */
export function jsonKind(json: Json | undefined): string {
  if (json === undefined) return 'nothing';
  if (typeof json === 'string') return `a text of ${json.length} characters`;
  if (isJsonArray(json)) return `an array of ${json.length}`;
  if (isJsonObject(json)) return 'an object';
  return json === null ? 'null' : `a ${typeof json}`;
}

/**
 * Nesting that neither the gate nor the writer goes beyond, whatever limits a caller passes: far above
 * every format of ours, and low enough that a deep document or a cyclic value cannot exhaust the stack.
 */
export const DEPTH_CEILING = 128;

/**
 * Parsed objects inherit from this empty object and from nothing else: a member "__proto__" is data like
 * any other, and an absent "constructor" is undefined. (A null prototype itself would do the same, but puts
 * each object in the engine's slow dictionary mode.)
 */
const NO_MEMBERS = Object.freeze(Object.create(null) as object);

type Members = Record<string, Json>;

/** What an object is read into. */
export function newMembers(): Members {
  // Object.create is typed as any; the object is empty, so it is a Members.
  return Object.create(NO_MEMBERS) as Members;
}
