import {
  canonicalBytes,
  isJsonObject,
  parseCanonical,
  parseStrict,
  type Json,
  type JsonLimits,
  type JsonObject,
} from '@countersign/canonical';
import { refusing } from './binding-error.ts';
import { invalid } from './shape.ts';

/** Frames are what arrives over HTTP or a topic: 128 KiB hold a 32 KiB action in base64url with room. */
const FRAME_LIMITS: JsonLimits = { maxBytes: 131_072, maxDepth: 8, maxMembers: 200 };

/** Our own types are plain JSON by construction; TypeScript does not see that of interfaces. */
export function jsonOf(value: object): Json {
  return value as unknown as Json;
}

export function bytesOf(value: object): Uint8Array {
  return canonicalBytes(jsonOf(value));
}

export function parseStrictObject(
  bytes: Uint8Array,
  limits: JsonLimits = FRAME_LIMITS,
): JsonObject {
  const json = refusing(() => parseStrict(bytes, limits));
  if (!isJsonObject(json)) throw invalid('document', 'an object');
  return json;
}

export function parseCanonicalObject(bytes: Uint8Array, limits: JsonLimits): JsonObject {
  const json = refusing(() => parseCanonical(bytes, limits));
  if (!isJsonObject(json)) throw invalid('document', 'an object');
  return json;
}
