import { CanonicalError } from './canonical-error.ts';
import { Gate, type JsonLimits } from './json-gate.ts';
import type { Json } from './json-value.ts';
import type { RepeatedValues } from './repeated-values.ts';

/** For an action as received; its canonical form is then bound to 32 KiB by the caller. */
export const ACTION_LIMITS: JsonLimits = { maxBytes: 65_536, maxDepth: 32, maxMembers: 10_000 };

const DEFAULT_LIMITS: JsonLimits = { maxBytes: 1_048_576, maxDepth: 32, maxMembers: 20_000 };

/**
 * The one way in for JSON from outside: a check of the raw bytes and a parser in one pass, so that no
 * object exists of a document that two parsers could read differently. Values that repeat from document to document are
 * read once where `repeated` remembers them.
 * schemas/formats/canonical-json.md §2.
 *
 * @throws {CanonicalError} LIMIT_EXCEEDED, TEXT_ENCODING, DUPLICATE_KEY, NUMBER_OUT_OF_PROFILE, JSON_SYNTAX
 * @example parseStrict(utf8('{"amount":"10"}'))
 */
export function parseStrict(
  bytes: Uint8Array,
  limits: JsonLimits = DEFAULT_LIMITS,
  repeated?: RepeatedValues,
): Json {
  assertLength(bytes, limits);
  return new Gate(bytes, limits, repeated).document();
}

/**
 * The gate, for formats whose bytes MUST already be canonical. Each spelling is judged as it is read, which finds
 * the same bytes canonical as writing the value again would.
 * @throws {CanonicalError} NOT_CANONICAL, and the codes of parseStrict
 */
export function parseCanonical(bytes: Uint8Array, limits: JsonLimits = DEFAULT_LIMITS): Json {
  assertLength(bytes, limits);
  return new Gate(bytes, limits).canonicalDocument();
}

function assertLength(bytes: Uint8Array, limits: JsonLimits): void {
  if (bytes.length > limits.maxBytes) {
    throw new CanonicalError(
      'LIMIT_EXCEEDED',
      `expected at most ${limits.maxBytes} bytes, got ${bytes.length}`,
    );
  }
}
