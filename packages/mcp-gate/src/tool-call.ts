import {
  CanonicalError,
  canonicalText,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { exactJsonText } from '@countersign/descriptors';
import { isObject, type RequestId } from './client-message.ts';
import { GateError } from './gate-error.ts';
import { spansAt } from './json-spans.ts';

/** Who the server is: the program that is started, or the address that is called. schemas/formats/action-types.md */
export type ServerOrigin =
  | { readonly kind: 'launch'; readonly digest: Digest }
  | { readonly kind: 'url'; readonly url: string };

/** A call as a human approves it. */
export interface CallFacts {
  readonly origin: ServerOrigin;
  /** `serverInfo`, as the server said when the session began. */
  readonly server: unknown;
  readonly tool: string;
  readonly toolDigest: Digest;
  /** Exact text. */
  readonly argumentsText: string;
}

/** The params of a `generic.tool_call`. @throws GateError CALL_INVALID */
export function paramsOf(facts: CallFacts): JsonObject {
  const { origin, server, tool, toolDigest, argumentsText } = facts;
  if (
    !isObject(server) ||
    typeof server['name'] !== 'string' ||
    typeof server['version'] !== 'string'
  ) {
    throw new GateError('CALL_INVALID', 'expected a server that has said its name and version');
  }
  return {
    server: { name: server['name'], version: server['version'], origin: { ...origin } },
    tool: { name: tool, descriptor_digest: toolDigest },
    arguments: argumentsText,
  };
}

const DEPTH_MAX = 32;

/**
 * The arguments of a call as RFC 8785 writes them: what a human sees and what the server gets. What two parsers could read
 * differently is refused, though only one of them would ever see it.
 *
 * @throws GateError CALL_INVALID; CanonicalError DUPLICATE_KEY, NUMBER_OUT_OF_PROFILE, TEXT_ENCODING, LIMIT_EXCEEDED
 */
export function exactArguments(text: string): string {
  const value = JSON.parse(text) as Json;
  if (!isObject(value)) throw new GateError('CALL_INVALID', 'expected arguments in an object');
  assertNamesOnce(text, 0);
  assertWholeNumbers(value);
  return exactJsonText(value);
}

function assertNamesOnce(text: string, depth: number): void {
  if (depth > DEPTH_MAX) throw new CanonicalError('LIMIT_EXCEEDED', `depth above ${DEPTH_MAX}`);
  if (!/^\s*[[{]/.test(text)) return;
  const names = new Set<string>();
  for (const { name, start, end } of spansAt(text, 0)) {
    if (name !== undefined && names.has(name)) {
      throw new CanonicalError('DUPLICATE_KEY', 'expected each name in the arguments once');
    }
    if (name !== undefined) names.add(name);
    assertNamesOnce(text.slice(start, end), depth + 1);
  }
}

/** A longer integer loses digits in most parsers, ours too: what is shown would be another number than was meant. */
function assertWholeNumbers(value: unknown): void {
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) return;
    throw new CanonicalError('NUMBER_OUT_OF_PROFILE', 'expected integers within 2^53 - 1');
  }
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) assertWholeNumbers(member);
}

/**
 * What is sent to the server for an approved call. Of `_meta` only the progress token goes along: nobody has seen the rest.
 *
 * @param use goes with it, so that the server's own log names it: countersign.dev/use
 */
export function callParams(
  approved: JsonObject,
  use: { readonly shortId: string; readonly progressToken: RequestId | undefined },
): string {
  const { tool, arguments: argumentsText } = approved;
  if (!isObject(tool) || typeof tool['name'] !== 'string' || typeof argumentsText !== 'string') {
    throw new TypeError('expected the params of a generic.tool_call');
  }
  const meta: JsonObject = {
    ...(use.progressToken !== undefined && { progressToken: use.progressToken }),
    'countersign.dev/use': use.shortId,
  };
  return `{"name":${canonicalText(tool['name'])},"arguments":${argumentsText},"_meta":${exactJsonText(meta)}}`;
}
