import { GateError } from './gate-error.ts';
import { spansAt, type Span } from './json-spans.ts';

export type RequestId = string | number;

/** One call of a tool, as far as it must be read to know whether it needs a human. */
export interface ToolCall {
  readonly kind: 'call';
  /** `undefined` for a call that asks for no answer. */
  readonly id: RequestId | undefined;
  readonly tool: string;
  /** The text of its `arguments`, as it was written. */
  readonly argumentsText: string;
  readonly progressToken: RequestId | undefined;
  /** Members of `params` that no gated call may have. */
  readonly foreign: readonly string[];
}

/** Anything else that has one reading: it passes. */
export interface OtherMessage {
  readonly kind: 'other';
  readonly id: RequestId | undefined;
  readonly method: string | undefined;
  readonly params: unknown;
}

/** Several messages at once; none of them is a call of a tool. */
export interface Batch {
  readonly kind: 'batch';
  readonly ids: readonly RequestId[];
}

export type ClientMessage = ToolCall | OtherMessage | Batch;

const CALL = 'tools/call';
const ENVELOPE = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const CALL_PARAMS = ['name', 'arguments', '_meta', 'task'];
/** Begins the names in `_meta` that only the gate says: by them a server's log knows the use of a call. */
const OWN_META = 'countersign.dev/';

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads one message of a client so that no server can read another one out of the same bytes: what is JSON for one parser only, a
 * name that stands twice, and a name or a method that other parsers may take for one of the protocol are refused.
 *
 * @throws GateError MESSAGE_INVALID, MESSAGE_AMBIGUOUS, BATCH_GATED
 */
export function readClientMessage(text: string): ClientMessage {
  const json = parse(text);
  if (!Array.isArray(json)) return readOne(json, { text, at: 0 });
  const messages = spansAt(text, 0).map(({ start }, index) =>
    readOne(json[index], { text, at: start }),
  );
  if (messages.some(({ kind }) => kind === 'call')) {
    throw new GateError('BATCH_GATED', 'expected each tools/call in a message of its own');
  }
  return { kind: 'batch', ids: messages.flatMap(({ id }) => id ?? []) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GateError('MESSAGE_INVALID', 'expected one JSON message', { cause: error });
  }
}

interface Place {
  readonly text: string;
  readonly at: number;
}

function readOne(json: unknown, { text, at }: Place): ToolCall | OtherMessage {
  if (!isObject(json)) throw new GateError('MESSAGE_INVALID', 'expected a JSON-RPC message');
  const spans = spansAt(text, at);
  assertOneReading(spans, ENVELOPE);
  const { method, params } = json;
  const id = idOf(json['id']);
  if (method === undefined) return { kind: 'other', id, method, params };
  if (typeof method !== 'string') {
    throw new GateError('MESSAGE_INVALID', 'expected a method that is a string');
  }
  assertNothingOfOurs(params);
  const place = spans.find(({ name }) => name === 'params');
  if (method !== CALL) {
    // A server that is lenient about case, slashes or what follows a NUL would take it for one.
    if (letters(method) === letters(CALL)) {
      throw new GateError('MESSAGE_AMBIGUOUS', 'expected a method that cannot pass for tools/call');
    }
    // Of two `_meta` only the one that our parser takes was looked at.
    if (place !== undefined && isObject(params)) {
      assertOneReading(spansAt(text, place.start), ['_meta']);
    }
    return { kind: 'other', id, method, params };
  }
  if (place === undefined || !isObject(params) || typeof params['name'] !== 'string') {
    throw new GateError('MESSAGE_INVALID', 'expected a tools/call with the name of a tool');
  }
  return callOf({ id, params, tool: params['name'] }, { text, at: place.start });
}

function callOf(
  call: { id: RequestId | undefined; params: Members; tool: string },
  { text, at }: Place,
): ToolCall {
  const spans = spansAt(text, at);
  assertOneReading(spans, CALL_PARAMS);
  const given = spans.find(({ name }) => name === 'arguments');
  const meta = call.params['_meta'];
  return {
    kind: 'call',
    id: call.id,
    tool: call.tool,
    argumentsText: given === undefined ? '{}' : text.slice(given.start, given.end),
    progressToken: isObject(meta) ? idOf(meta['progressToken']) : undefined,
    foreign: spans
      .map(({ name = '' }) => name)
      .filter((name) => !CALL_PARAMS.includes(name) || name === 'task'),
  };
}

/** Parsers differ in which of two equal names they take, and some in how equal names must be. */
function assertOneReading(spans: readonly Span[], known: readonly string[]): void {
  const seen = new Set<string>();
  for (const { name = '' } of spans) {
    const alias = known.find((each) => letters(each) === letters(name));
    if (seen.has(name) || (alias !== undefined && alias !== name)) {
      throw new GateError('MESSAGE_AMBIGUOUS', 'expected each member once, spelled as it is');
    }
    seen.add(name);
  }
}

/** A call that passes must not look to the server like one that a person has approved. */
function assertNothingOfOurs(params: unknown): void {
  const meta = isObject(params) ? params['_meta'] : undefined;
  const names = isObject(meta) ? Object.keys(meta) : [];
  if (!names.some((name) => name.toLowerCase().startsWith(OWN_META))) return;
  throw new GateError('MESSAGE_INVALID', 'expected nothing in _meta that only the gate says');
}

const PLAIN_WORD = /^[a-z]+$/;

/** What is left of a word for a reader who is lenient in every way that is known. */
function letters(word: string): string {
  if (PLAIN_WORD.test(word)) return word;
  return word
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '');
}

/** Anything else can be no id, and is not looked at. */
export function idOf(json: unknown): RequestId | undefined {
  return typeof json === 'string' || typeof json === 'number' ? json : undefined;
}

export function isObject(json: unknown): json is Members {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
