import { waitForBinding } from '@countersign/sdk';
import { tool, type FunctionTool, type RunContext, type RunState } from '@openai/agents';
import { ask, draftCall, runAsked, wordsOf, type AskedCall, type ToolGate } from './asked-call.ts';
import { toolCallContent, type ToolProgram } from './tool-call-content.ts';

export interface CountersignedTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, closed. */
  readonly parameters: {
    readonly type: 'object';
    readonly properties: Readonly<Record<string, object>>;
    readonly required: readonly string[];
    readonly additionalProperties: false;
  };
  /** Does it, with the arguments that were approved. What it throws means that nobody knows what came of it. */
  readonly execute: (args: unknown, use: { readonly shortId: string }) => Promise<unknown>;
}

/**
 * A tool of the Agents SDK that always needs approval, and runs under a binding alone: `state.approve` is not enough, and
 * `alwaysApprove` is of no use. What was asked for is kept in the context of the run, under `countersign`, so it travels with
 * `state.toString()`.
 */
export function countersignedTool(
  gate: ToolGate,
  program: ToolProgram,
  { name, description, parameters, execute }: CountersignedTool,
): FunctionTool {
  const gated = {
    content: (args: unknown) =>
      toolCallContent(program, { name, description, schema: parameters as never }, args),
    execute: (verified: { params: Readonly<Record<string, unknown>>; shortId: string }) =>
      execute(JSON.parse(String(verified.params['arguments'])), verified),
  };
  return tool({
    name,
    description,
    parameters: parameters as never,
    strict: true,
    needsApproval: async (context, args, callId = '') => {
      const kept = keptIn(context);
      // The same call again, after a crash: the same action.
      const asked = (kept[callId] ??= draftCall(gate, gated.content(args)));
      await ask(gate, asked);
      return true;
    },
    execute: async (args, context, details) => {
      const callId = details?.toolCall?.callId ?? '';
      const asked = context === undefined ? undefined : keptIn(context)[callId];
      if (asked === undefined) return 'NOT_ASKED: no human was asked for this call';
      return wordsOf(await runAsked(gate, asked, { tool: gated, args }));
    },
  });
}

/** Waits for the decisions about all calls of ours that interrupted a run, and writes them into its state. */
export async function awaitDecisions(
  gate: ToolGate,
  state: RunState<unknown, never>,
): Promise<void> {
  const kept = keptIn(state._context);
  await Promise.all(
    state.getInterruptions().map(async (item) => {
      const { rawItem } = item;
      const asked = 'callId' in rawItem ? kept[rawItem.callId] : undefined;
      if (asked === undefined) return;
      const ended = await waitForBinding(gate.ledger, asked.action_id);
      if (ended.status === 'bound') state.approve(item);
      else state.reject(item, { message: `${ended.code}: it did not run` });
    }),
  );
}

function keptIn(context: RunContext): Record<string, AskedCall> {
  const holder = context.context as { countersign?: Record<string, AskedCall> };
  return (holder.countersign ??= {});
}
