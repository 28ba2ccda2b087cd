import { SdkError } from '@countersign/sdk';
import { interrupt, task } from '@langchain/langgraph';
import {
  ask,
  draftCall,
  isOpen,
  isUnanswered,
  runAsked,
  type AskedCall,
  type CallOutcome,
  type GatedTool,
  type ToolGate,
} from './asked-call.ts';

/** What `interrupt` hands to whoever runs the graph. */
export interface WaitsForHuman {
  readonly kind: 'countersign';
  readonly action_id: string;
  /** Where a person decides. */
  readonly page_url: string;
}

/**
 * A tool for nodes of a graph with a checkpointer. The node asks, and the graph stops with an interrupt; resumed with whatever value,
 * it looks at the ledger: still open, it stops again; decided, it runs the tool or tells why not.
 *
 * Crash story: the action is kept by the checkpointer before anybody is asked, and the outcome after it, both as results of tasks. So a
 * node that runs again from its top asks for the same action, and tells the same outcome; what ran in between and was not kept is
 * told as such, and never run again.
 *
 * @example
 * const refund = countersigned(gate, { content, execute });
 * graph.addNode('refund', async ({ order }) => ({ refund: await refund({ order, amount: '10.00' }) }));
 */
export function countersigned<Args, Output>(
  gate: ToolGate,
  tool: GatedTool<Args, Output>,
): (args: Args) => Promise<CallOutcome<Output>> {
  const draft = task('countersign.draft', (args: Args) => draftCall(gate, tool.content(args)));
  const run = task('countersign.run', async (asked: AskedCall, args: Args) => {
    const outcome = await runAsked(gate, asked, { tool, args });
    // Thrown, so that it is not kept: whoever resumes the graph later may find the ledger.
    if (isUnanswered(outcome)) throw new SdkError(outcome.code, outcome.message);
    return outcome;
  });
  return async (args) => {
    const asked = await draft(args);
    await ask(gate, asked);
    const { action_id: id, page_url: url } = asked;
    while (await isOpen(gate, asked)) {
      interrupt<WaitsForHuman>({ kind: 'countersign', action_id: id, page_url: url });
    }
    return run(asked, args);
  };
}
