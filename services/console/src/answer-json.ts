import {
  CanonicalError,
  isJsonObject,
  parseStrict,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { ConsoleError } from './console-error.ts';

/** A display of 2,000 lines beside the action that it was made from. */
const LIMITS = { maxBytes: 4_194_304, maxDepth: 48, maxMembers: 60_000 };

/** @throws ConsoleError ANSWER_FORMAT */
export function parseAnswer(bytes: Uint8Array): Json {
  try {
    return parseStrict(bytes, LIMITS);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw new ConsoleError('ANSWER_FORMAT', 'expected JSON from the server', { cause: error });
  }
}

function isList(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

/** @throws ConsoleError ANSWER_FORMAT */
export function objectOf(json: Json | undefined): JsonObject {
  if (isJsonObject(json)) return json;
  throw unexpected('an object');
}

export function objectIn(from: JsonObject, name: string): JsonObject {
  return objectOf(from[name]);
}

export function listIn(from: JsonObject, name: string): readonly Json[] {
  const value = from[name];
  if (isList(value)) return value;
  throw unexpected(`a list in ${name}`);
}

export function textIn(from: JsonObject, name: string): string {
  return textOf(from[name]);
}

export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw unexpected('text');
}

export function textOrNullIn(from: JsonObject, name: string): string | null {
  const value = from[name];
  return value === null ? null : textOf(value);
}

export function integerIn(from: JsonObject, name: string): number {
  const value = from[name];
  if (typeof value === 'number') return value;
  throw unexpected(`a number in ${name}`);
}

export function flagIn(from: JsonObject, name: string): boolean {
  const value = from[name];
  if (typeof value === 'boolean') return value;
  throw unexpected(`true or false in ${name}`);
}

function unexpected(what: string): ConsoleError {
  return new ConsoleError('ANSWER_FORMAT', `expected ${what} from the server`);
}
