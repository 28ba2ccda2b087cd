import {
  canonicalText,
  digestOf,
  utf8,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import {
  draftAction,
  requestBinding,
  SdkError,
  type Guard,
  type LedgerClient,
  type RunEnded,
  type RunLock,
  type RunResult,
  type RunUnknown,
  type SigningKey,
  type VerifiedAction,
  waitForBinding,
} from '@countersign/sdk';
import { withId, type Refusal } from './answers.ts';
import { callResult } from './call-result.ts';
import type { CallRecord, CallStore } from './call-store.ts';
import type { RequestId } from './client-message.ts';
import { GateError } from './gate-error.ts';
import { GATE_INTERFACE_DIGEST } from './gate-interface.ts';
import type { Answer, OwnRequests } from './own-requests.ts';
import { callParams, paramsOf, type ServerOrigin } from './tool-call.ts';
import type { ToolCatalogue } from './tool-catalogue.ts';

/** What all calls through one gate have in common. */
export interface CallParts {
  readonly tenant: string;
  readonly agent: { readonly id: string; readonly key: SigningKey };
  readonly executor: { readonly id: string; readonly audience: string };
  readonly origin: ServerOrigin;
  /** Signs its reads with the agent's key. */
  readonly ledger: LedgerClient;
  readonly guard: Guard;
  readonly calls: CallStore;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly log: (event: string, facts: Readonly<Record<string, string>>) => void;
}

/** The session that a call is of. */
export interface CallSession {
  readonly client: string;
  /** `serverInfo`, as far as it is known. */
  readonly server: () => unknown;
  readonly catalogue: ToolCatalogue;
  readonly own: OwnRequests;
}

/** A call that can be answered, with its arguments as exact text. */
export interface GatedCall {
  readonly id: RequestId;
  readonly tool: string;
  readonly argumentsText: string;
  readonly progressToken: RequestId | undefined;
}

export interface CallWatch {
  readonly signal: AbortSignal;
  readonly onAsked: (actionId: string) => void;
  readonly onStart: () => void;
  /** Sends the answer; what is known of the call is forgotten after it. */
  readonly onEnd: (end: CallEnd) => void;
}

/** The server's own answer, or why there is none. */
export type CallEnd = (
  | { readonly kind: 'answered'; readonly text: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
) & { readonly facts: Readonly<Record<string, string>> };

/** A day: the ledger's own rules are shorter. */
const ACTION_LIFE_S = 86_400;

/** After these the request is still open, or its approval unused: the same call finds it again. */
const STAYS_OPEN: ReadonlySet<string> = new Set([
  'INTERRUPTED',
  'LEDGER_UNREACHABLE',
  'ANSWER_INVALID',
  'RUN_BUSY',
  'TOOL_CHANGED',
  'TOOL_UNKNOWN',
  'UPSTREAM_FAILED',
  'UPSTREAM_GONE',
  'CONTENT_MISSING',
  'AUTHORITY_MISSING',
  'CLOCK_UNKNOWN',
]);

/**
 * Asks for one call, or finds the request for exactly the same one again, waits, and runs it under the approval, once.
 *
 * Crash story: the request is on the disk before it is sent, so the same call finds it; what was claimed is known to the
 * guard's own records, and is never run again. The record goes only after the answer was sent.
 *
 * @throws GateError before anything was asked for; nothing after
 */
export async function runHeldCall(
  call: GatedCall,
  at: { readonly parts: CallParts; readonly session: CallSession },
  watch: CallWatch,
): Promise<void> {
  const { parts } = at;
  const { record, lock } = await pickUp(await liveParams(call, at), at);
  try {
    watch.onAsked(record.action_id);
    const end = await underApproval({ call, record }, at, watch);
    watch.onEnd(end);
    const isUsed = end.kind === 'answered' || end.facts['use_id'] !== undefined;
    const isOpen = !isUsed && STAYS_OPEN.has(end.refusal.code);
    if (!isOpen) await parts.calls.remove(record.action_id);
  } finally {
    await lock.release();
  }
}

/** The call as it would be sent right now. @throws GateError TOOL_CHANGED, TOOL_UNKNOWN, … */
async function liveParams(
  { tool, argumentsText }: GatedCall,
  { parts, session }: { readonly parts: CallParts; readonly session: CallSession },
): Promise<JsonObject> {
  const toolDigest = await session.catalogue.current(tool);
  const server = session.server();
  return paramsOf({ origin: parts.origin, server, tool, toolDigest, argumentsText });
}

async function pickUp(
  params: JsonObject,
  { parts, session }: { readonly parts: CallParts; readonly session: CallSession },
): Promise<{ readonly record: CallRecord; readonly lock: RunLock }> {
  const { calls } = parts;
  const call = digestOf('countersign/value/v1', {
    client: session.client,
    agent: parts.agent.id,
    params,
  });
  for (const { action_id: id } of await calls.find(call)) {
    const lock = await calls.lock(id);
    if (lock === undefined) continue;
    // Whoever had the lock before may have ended it.
    const record = (await calls.find(call)).find(({ action_id }) => action_id === id);
    if (record !== undefined) return { record, lock };
    await lock.release();
  }
  const record = drafted(call, params, parts);
  const lock = await calls.lock(record.action_id);
  if (lock === undefined) throw new Error('expected nobody at a request that is new');
  await calls.create(record);
  return { record, lock };
}

function drafted(call: Digest, params: JsonObject, parts: CallParts): CallRecord {
  const { tenant, agent, executor } = parts;
  const action = draftAction(
    {
      tenant,
      agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
      executor: { ...executor, descriptor_digest: GATE_INTERFACE_DIGEST },
    },
    { type: 'generic.tool_call', typeVersion: 1, params, lifeS: ACTION_LIFE_S },
    parts,
  );
  return {
    v: 'countersign.mcp-call.v1',
    action_id: action.action_id,
    call,
    action: canonicalText(action),
  };
}

interface OpenCall {
  readonly call: GatedCall;
  readonly record: CallRecord;
}

async function underApproval(
  open: OpenCall,
  at: { readonly parts: CallParts; readonly session: CallSession },
  watch: CallWatch,
): Promise<CallEnd> {
  const { call, record } = open;
  const facts = { action_id: record.action_id };
  try {
    await bound(record, at.parts, watch.signal);
    const params = await liveParams(call, at);
    watch.signal.throwIfAborted();
    const sent: Sent = {};
    const run = await at.parts.guard.run(
      { action: utf8(record.action), params, preconditions: () => Promise.resolve({}) },
      async (verified) => {
        watch.onStart();
        sent.refusal = notToBeSent(call, at, watch.signal);
        if (sent.refusal !== undefined) return { result: 'failed' };
        sent.answer = await send(verified, call, { ...at, signal: watch.signal });
        return { result: callResult(sent.answer.json) };
      },
    );
    return endOf(run, sent, { call, facts });
  } catch (error) {
    return { kind: 'refused', refusal: refusalOf(error), facts };
  }
}

/** Asks, and waits. Of a request that was picked up it is not known whether it arrived; the same one gets the same answer. */
async function bound(
  { action, action_id: id }: CallRecord,
  { ledger, agent }: CallParts,
  signal: AbortSignal,
): Promise<void> {
  const client = ledger.until(signal);
  const requested = await requestBinding(client, { key: agent.key, action: utf8(action) });
  if (requested.status === 'refused') throw new SdkError(requested.code, requested.detail);
  const ended = await waitForBinding(client, id);
  if (ended.status === 'bound') return;
  const said = 'decisions' in ended ? ended.decisions.map(({ rationale }) => rationale) : [];
  const words = said.filter((text) => text !== null).join('; ');
  throw new SdkError(ended.code, words === '' ? `the request is ${ended.status}` : words);
}

/** What came of the one time that the server was to be called. */
interface Sent {
  answer?: Answer;
  /** Why it was not called, though the use was claimed. */
  refusal?: Refusal | undefined;
}

/** Claiming takes a moment, in which the client may have cancelled and the server said that its tools are others. */
function notToBeSent(
  { tool }: GatedCall,
  { session }: { readonly session: CallSession },
  signal: AbortSignal,
): Refusal | undefined {
  if (signal.aborted) return { code: 'INTERRUPTED', message: 'it was cancelled, and did not run' };
  const isKnown = session.catalogue.known(tool) !== undefined;
  return isKnown
    ? undefined
    : { code: 'TOOL_CHANGED', message: 'the tools changed; it did not run' };
}

/** @throws GateError UPSTREAM_FAILED, UPSTREAM_GONE: then nobody knows what came of it */
async function send(
  { params, shortId }: VerifiedAction,
  { id, progressToken }: GatedCall,
  { session, signal }: { readonly session: CallSession; readonly signal: AbortSignal },
): Promise<Answer> {
  const text = callParams(params, { shortId, progressToken });
  return session.own.ask('tools/call', text, { about: id, signal });
}

function endOf(
  run: RunResult,
  { answer, refusal }: Sent,
  { call, facts }: { readonly call: GatedCall; readonly facts: Readonly<Record<string, string>> },
): CallEnd {
  if (run.outcome === 'refused') {
    const { code, detail } = run;
    return { kind: 'refused', refusal: { code, message: detail }, facts };
  }
  const used = { ...facts, use_id: run.useId };
  // Known here, even where the ledger has not heard of it yet.
  if (answer !== undefined) {
    return { kind: 'answered', text: withId(answer.text, call.id), facts: used };
  }
  return { kind: 'refused', refusal: refusal ?? spent(run), facts: used };
}

function spent(run: RunEnded | RunUnknown): Refusal {
  if (run.outcome === 'ended') {
    return { code: 'ALREADY_CONSUMED', message: 'it ran before; what it answered is not kept' };
  }
  const message = 'it may have run, and is not run again: look at what it would have changed';
  return { code: run.code, message };
}

/** Any refusal has a code. What has none is no refusal, and says nothing about what happened. */
export function refusalOf(error: unknown): Refusal {
  // Not the error itself: what spreads it would lose its message.
  if (error instanceof GateError || error instanceof SdkError) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof DOMException) return { code: 'INTERRUPTED', message: 'it was cancelled' };
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string';
  if (isCoded && error.name.endsWith('Error') && /^[A-Z_]+$/.test(String(error.code))) {
    return { code: String(error.code), message: error.message };
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : 'an error' };
}
