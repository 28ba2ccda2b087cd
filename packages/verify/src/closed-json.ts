import { isJsonArray, isJsonObject, type Json, type JsonObject } from '@countersign/canonical';
import { VerifyError } from './verify-error.ts';

/** One JSON value of a file, with where it stands, so that a refusal can say so. */
export interface JsonPlace {
  readonly code: 'EVIDENCE_FORMAT' | 'TRUST_FORMAT';
  readonly path: string;
  readonly json: Json | undefined;
}

export function refusedAt(place: JsonPlace, expected: string): VerifyError {
  return new VerifyError(place.code, `${place.path}: expected ${expected}`);
}

/** An object with all of these members and no others but the optional ones. */
export function closedObject(
  place: JsonPlace,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const object = objectOf(place);
  const missing = required.find((name) => !Object.hasOwn(object, name));
  if (missing !== undefined) throw refusedAt(place, `the member ${missing}`);
  const isKnown = (name: string): boolean => required.includes(name) || optional.includes(name);
  if (!Object.keys(object).every(isKnown)) {
    throw refusedAt(place, `no member but ${[...required, ...optional].join(', ')}`);
  }
  return object;
}

export function objectOf(place: JsonPlace): JsonObject {
  if (!isJsonObject(place.json)) throw refusedAt(place, 'an object');
  return place.json;
}

export function member(place: JsonPlace, name: string): JsonPlace {
  const object = objectOf(place);
  const json = Object.hasOwn(object, name) ? object[name] : undefined;
  return { code: place.code, path: `${place.path}.${name}`, json };
}

export function elements(place: JsonPlace, max: number): JsonPlace[] {
  const { code, path, json } = place;
  if (!isJsonArray(json)) throw refusedAt(place, 'an array');
  if (json.length > max) throw refusedAt(place, `at most ${max} elements, got ${json.length}`);
  return json.map((element, index) => ({ code, path: `${path}[${index}]`, json: element }));
}

export function textOf(place: JsonPlace): string {
  if (typeof place.json !== 'string') throw refusedAt(place, 'text');
  return place.json;
}

/** An index or a size: an integer from 0 on. */
export function positionOf(place: JsonPlace): number {
  if (typeof place.json !== 'number' || place.json < 0) throw refusedAt(place, 'an integer >= 0');
  return place.json;
}

export function flagOf(place: JsonPlace): boolean {
  if (typeof place.json !== 'boolean') throw refusedAt(place, 'true or false');
  return place.json;
}

/** Text that is one of these words. */
export function wordOf<Word extends string>(place: JsonPlace, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === place.json);
  if (word === undefined) throw refusedAt(place, `one of ${words.join(', ')}`);
  return word;
}
