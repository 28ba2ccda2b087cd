import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import type { Level } from '../../src/index.ts';

/** What a file is, and what every verifier must make of it. */
export interface EvidenceCase {
  readonly name: string;
  readonly about: string;
  /** The outcome that evidence.md asks for; a code means that it is not VALID. */
  readonly code?: string;
  readonly level?: Level;
  readonly now?: string;
  readonly allowDemo?: boolean;
  /** Only a verifier that renders the display again can tell. */
  readonly needsRendering?: boolean;
  readonly make: () => Promise<EvidenceFile>;
}

export type CaseHead = Pick<EvidenceCase, 'name' | 'about' | 'code'>;

export interface EvidenceFile {
  /** An object is written in canonical form. */
  readonly evidence: JsonObject | string;
  readonly trust: JsonObject;
}

export function fileText(evidence: JsonObject | string): string {
  return typeof evidence === 'string' ? evidence : canonicalText(evidence);
}

export type Path = readonly (string | number)[];

/** The same JSON with another value at one place; undefined takes the member away. */
export function withAt(
  json: Json | undefined,
  path: Path,
  change: Json | undefined | ((old: Json | undefined) => Json | undefined),
): Json {
  const [step, ...rest] = path;
  if (step === undefined) {
    const next = typeof change === 'function' ? change(json) : change;
    return next ?? null;
  }
  const inner = memberOf(json, step);
  const isGone = rest.length === 0 && change === undefined;
  if (typeof step === 'number') {
    const list = isList(json) ? [...json] : [];
    list.splice(step, 1, ...(isGone ? [] : [withAt(inner, rest, change)]));
    return list;
  }
  const kept = Object.entries(isMap(json) ? json : {}).filter(([name]) => name !== step);
  return Object.fromEntries(isGone ? kept : [...kept, [step, withAt(inner, rest, change)]]);
}

/** `withAt` of an object. */
export function edited(
  json: JsonObject,
  path: Path,
  change: Parameters<typeof withAt>[2],
): JsonObject {
  const next = withAt(json, path, change);
  if (!isMap(next)) throw new Error('expected an object to stay one');
  return next;
}

export function at(json: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((value, step) => memberOf(value, step), json);
}

function memberOf(json: Json | undefined, step: string | number): Json | undefined {
  if (typeof step === 'number') return isList(json) ? json[step] : undefined;
  return isMap(json) ? json[step] : undefined;
}

export function isList(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

function isMap(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !isList(json);
}
