import {
  CanonicalError,
  canonicalText,
  isJsonObject,
  parseStrict,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import {
  draftAction,
  requestBinding,
  SdkError,
  type ActionContent,
  type ActionParties,
  type Guard,
  type LedgerClient,
  type SigningKey,
  type VerifiedAction,
} from '@countersign/sdk';

/** Who asks and who runs, for all tools of one program. */
export interface ToolGate {
  /** Signs its reads with the agent's key. */
  readonly ledger: LedgerClient;
  readonly guard: Guard;
  readonly parties: ActionParties;
  /** Of the agent. */
  readonly key: SigningKey;
}

/** A tool that runs under a binding alone. */
export interface GatedTool<Args, Output> {
  /** What a human is shown, made of the arguments and nothing else: the same ones give the same parameters. */
  readonly content: (args: Args) => ActionContent;
  /** Does it, with the verified parameters. What it throws means that nobody knows what came of it. */
  readonly execute: (verified: VerifiedAction) => Promise<Output>;
}

/** A call for which a human was asked. The framework keeps it with its own state; nothing in it is trusted. */
export interface AskedCall {
  readonly action_id: string;
  readonly page_url: string;
  /** Canonical text. */
  readonly action: string;
}

/** What became of a call: the output of the tool, or why there is none. */
export type CallOutcome<Output> =
  | { readonly ran: true; readonly output: Output }
  | { readonly ran: false; readonly code: string; readonly message: string };

/** A new action. Whoever keeps it before it asks can ask for the very same one after a crash. */
export function draftCall(gate: ToolGate, content: ActionContent): AskedCall {
  const action = draftAction(gate.parties, content);
  return {
    action_id: action.action_id,
    page_url: `${gate.ledger.url}/action/${action.action_id}`,
    action: canonicalText(action),
  };
}

/** @throws SdkError the code of the ledger's refusal, LEDGER_UNREACHABLE */
export async function ask({ ledger, key }: ToolGate, asked: AskedCall): Promise<void> {
  const order = { key, action: utf8(asked.action) };
  const requested = await requestBinding(ledger, order);
  if (requested.status === 'refused') throw new SdkError(requested.code, requested.detail);
}

/** Whether a person could still decide. Nothing runs on this answer. */
export async function isOpen({ ledger }: ToolGate, { action_id: id }: AskedCall): Promise<boolean> {
  return (await ledger.action(id)).status === 'pending';
}

/**
 * Runs the call if it is bound: with the arguments as they are now, which must be the approved ones, and once. What the framework
 * says of an approval counts for nothing.
 */
export async function runAsked<Args, Output>(
  { guard, parties }: ToolGate,
  asked: AskedCall,
  call: { readonly tool: GatedTool<Args, Output>; readonly args: Args },
): Promise<CallOutcome<Output>> {
  let output: { readonly value: Output } | undefined;
  const content = call.tool.content(call.args);
  if (!isOfTool(asked, { parties, content })) {
    return {
      ran: false,
      code: 'ACTION_DIGEST_MISMATCH',
      message: 'expected the action that was asked for with this tool; it did not run',
    };
  }
  const { params } = content;
  const run = await guard.run(
    { action: utf8(asked.action), params, preconditions: () => Promise.resolve({}) },
    async (verified) => {
      output = { value: await call.tool.execute(verified) };
      return { result: 'succeeded' };
    },
  );
  if (run.outcome === 'refused') return { ran: false, code: run.code, message: run.detail };
  // Known here, even where the ledger has not heard of it yet.
  if (output !== undefined) return { ran: true, output: output.value };
  return run.outcome === 'ended'
    ? { ran: false, code: 'ALREADY_CONSUMED', message: 'it ran before, and is not run again' }
    : { ran: false, code: run.code, message: 'it may have run, and is not run again' };
}

/**
 * The framework keeps the action, and whoever can write there could put another approved one in its place: with equal parameters it
 * would run as this tool. That it is bound, and its digest the bound one, is the guard's to find.
 */
function isOfTool(
  asked: AskedCall,
  { parties, content }: { readonly parties: ActionParties; readonly content: ActionContent },
): boolean {
  const kept = readKept(asked);
  if (!isJsonObject(kept)) return false;
  const expected: JsonObject = {
    ...kept,
    action_id: asked.action_id,
    type: content.type,
    type_version: content.typeVersion,
    tenant: parties.tenant,
    agent: { ...parties.agent },
    executor: { ...parties.executor },
  };
  return canonicalText(kept) === canonicalText(expected);
}

function readKept({ action }: AskedCall): Json | undefined {
  try {
    return parseStrict(utf8(action));
  } catch (error) {
    if (error instanceof CanonicalError) return undefined;
    throw error;
  }
}

const UNANSWERED: ReadonlySet<string> = new Set(['LEDGER_UNREACHABLE', 'INTERRUPTED', 'RUN_BUSY']);

/** Nothing ran, and it may later. */
export function isUnanswered<Output>(
  outcome: CallOutcome<Output>,
): outcome is Extract<CallOutcome<Output>, { ran: false }> {
  return !outcome.ran && UNANSWERED.has(outcome.code);
}

/** As a model reads it. */
export function wordsOf(outcome: CallOutcome<unknown>): string {
  if (!outcome.ran) return `${outcome.code}: ${outcome.message}`;
  return typeof outcome.output === 'string' ? outcome.output : JSON.stringify(outcome.output);
}
