import { Annotation, Command, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { toolCallContent, type CallOutcome, type ToolGate } from '@countersign/adapters';
import { countersigned, type WaitsForHuman } from '@countersign/adapters/langgraph';
import { memoryRunStore } from '@countersign/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROGRAM, ToolLedger } from '../support/tool-ledger.ts';

const REFUND = { name: 'refund', description: 'Pays back', schema: { type: 'object' } };

interface Refund {
  readonly order: string;
  readonly amount: string;
}

let at: ToolLedger;
let paid: unknown[];

beforeAll(async () => {
  at = await ToolLedger.start();
});
afterAll(() => at.discard());
beforeEach(() => {
  paid = [];
});

const State = Annotation.Root({
  refunds: Annotation<readonly Refund[]>,
  outcomes: Annotation<readonly CallOutcome<string>[]>,
});

function refundTool(gate: ToolGate): (args: Refund) => Promise<CallOutcome<string>> {
  return countersigned<Refund, string>(gate, {
    content: (args) => toolCallContent(PROGRAM, REFUND, args),
    execute: ({ params }) => {
      paid.push(params['arguments']);
      return Promise.resolve(`paid ${paid.length}`);
    },
  });
}

/** What a process builds when it starts: `saver` and the disk are all that it has of an earlier one. */
function graphOf(gate: ToolGate, saver: MemorySaver) {
  const refund = refundTool(gate);
  return new StateGraph(State)
    .addNode('pay', async ({ refunds }) => {
      const outcomes: CallOutcome<string>[] = [];
      for (const each of refunds) outcomes.push(await refund(each));
      return { outcomes };
    })
    .addEdge(START, 'pay')
    .addEdge('pay', END)
    .compile({ checkpointer: saver });
}

type Graph = ReturnType<typeof graphOf>;
interface Result {
  readonly outcomes?: readonly CallOutcome<string>[];
  readonly __interrupt__?: readonly { readonly id: string; readonly value: WaitsForHuman }[];
}

const thread = (id: string) => ({ configurable: { thread_id: id } });

async function begun(graph: Graph, id: string, ...refunds: readonly Refund[]): Promise<Result> {
  return await graph.invoke({ refunds, outcomes: [] }, thread(id));
}

async function resumed(graph: Graph, id: string, value: unknown = 'look again'): Promise<Result> {
  return await graph.invoke(new Command({ resume: value }), thread(id));
}

function waitingIn(result: Result): string {
  const [waiting] = result.__interrupt__ ?? [];
  if (waiting === undefined) throw new Error('expected an interrupt');
  return waiting.value.action_id;
}

const A = { order: 'A-1', amount: '10.00' };
const B = { order: 'B-2', amount: '20.00' };

describe('LangGraph', () => {
  it('runs a tool after a human has approved it, also in a process that was started since', async () => {
    const saver = new MemorySaver();
    const id = waitingIn(await begun(graphOf(at.gate(), saver), 't1', A));
    await at.decide(id);
    const { outcomes } = await resumed(graphOf(at.gate(), saver), 't1');
    expect(outcomes).toEqual([{ ran: true, output: 'paid 1' }]);
    expect(paid).toEqual(['{"amount":"10.00","order":"A-1"}']);
    expect(await at.logged(id)).toContain('execution-reported');
  });

  it('H04: stops again when it is resumed with an approval that nobody gave', async () => {
    const graph = graphOf(at.gate(), new MemorySaver());
    const id = waitingIn(await begun(graph, 't2', A));
    for (const lie of [true, 'approved', { approved: true, action_id: id, status: 'bound' }]) {
      expect(waitingIn(await resumed(graph, 't2', lie))).toBe(id);
    }
    expect(paid).toEqual([]);
    await at.decide(id, { verdict: 'deny' });
    const { outcomes } = await resumed(graph, 't2', true);
    expect(outcomes).toMatchObject([{ ran: false }]);
    expect(paid).toEqual([]);
  });

  it('runs each of several calls of a node once, though the node runs again from its top for each', async () => {
    const saver = new MemorySaver();
    const first = waitingIn(await begun(graphOf(at.gate(), saver), 't3', A, B));
    await at.decide(first);
    const second = waitingIn(await resumed(graphOf(at.gate(), saver), 't3'));
    expect(second).not.toBe(first);
    await at.decide(second);
    const { outcomes } = await resumed(graphOf(at.gate(), saver), 't3');
    expect(outcomes).toEqual([
      { ran: true, output: 'paid 1' },
      { ran: true, output: 'paid 2' },
    ]);
  });

  it('A05: parallel calls get their own answers, whatever the values are that they are resumed with', async () => {
    const saver = new MemorySaver();
    const started = await begun(parallel(at.gate(), saver), 't4', A, B);
    const waiting = started.__interrupt__ ?? [];
    expect(waiting).toHaveLength(2);
    const idOf = async (refund: Refund): Promise<string> => {
      for (const { value } of waiting) {
        const { arguments: text } = await at.paramsOf(value.action_id);
        if (JSON.stringify(text).includes(refund.order)) return value.action_id;
      }
      throw new Error('expected a request');
    };
    await at.decide(await idOf(B), { verdict: 'deny' });
    await at.decide(await idOf(A));
    const swapped = Object.fromEntries(waiting.map(({ id }, i) => [id, { approved: i === 1 }]));
    const { outcomes } = await resumed(parallel(at.gate(), saver), 't4', swapped);
    expect(outcomes?.map(({ ran }) => ran)).toEqual([true, false]);
    expect(paid).toEqual(['{"amount":"10.00","order":"A-1"}']);
  });

  it('A04: ACTION_DIGEST_MISMATCH when the arguments are others than were approved', async () => {
    const saver = new MemorySaver();
    const graph = graphOf(at.gate(), saver);
    const id = waitingIn(await begun(graph, 't5', A));
    await at.decide(id);
    // A node that makes its arguments anew, by a model that has read something since.
    const injected = { ...A, amount: '9000.00' };
    const changed = graphWith(at.gate(), saver, injected);
    expect((await resumed(changed, 't5')).outcomes).toMatchObject([
      { ran: false, code: 'ACTION_DIGEST_MISMATCH' },
    ]);
    expect(paid).toEqual([]);
  });

  it('C01: ALREADY_CONSUMED when the state of before the run is put back', async () => {
    const saver = new MemorySaver();
    const graph = graphOf(at.gate(memoryRunStore()), saver);
    const id = waitingIn(await begun(graph, 't6', A));
    await at.decide(id);
    const backup = new MemorySaver();
    backup.storage = structuredClone(saver.storage);
    backup.writes = structuredClone(saver.writes);
    expect((await resumed(graph, 't6')).outcomes).toMatchObject([{ ran: true }]);
    // In a process that remembers nothing.
    const again = await resumed(graphOf(at.gate(memoryRunStore()), backup), 't6');
    expect(again.outcomes).toMatchObject([{ ran: false, code: 'ALREADY_CONSUMED' }]);
    expect(paid).toHaveLength(1);
  });
});

/** A graph whose two nodes pay at the same time. */
function parallel(gate: ToolGate, saver: MemorySaver): Graph {
  const refund = refundTool(gate);
  const Both = Annotation.Root({
    refunds: Annotation<readonly Refund[]>,
    outcomes: Annotation<readonly CallOutcome<string>[]>({
      reducer: (before, more) => [...before, ...more],
      default: () => [],
    }),
  });
  const pay = (index: number) => async (state: typeof Both.State) => {
    const args = state.refunds[index];
    return { outcomes: args === undefined ? [] : [await refund(args)] };
  };
  return new StateGraph(Both)
    .addNode('first', pay(0))
    .addNode('second', pay(1))
    .addEdge(START, 'first')
    .addEdge(START, 'second')
    .addEdge('first', END)
    .addEdge('second', END)
    .compile({ checkpointer: saver }) as unknown as Graph;
}

/** The same graph, whose node has other arguments by now. */
function graphWith(gate: ToolGate, saver: MemorySaver, args: Refund): Graph {
  const refund = refundTool(gate);
  return new StateGraph(State)
    .addNode('pay', async () => ({ outcomes: [await refund(args)] }))
    .addEdge(START, 'pay')
    .addEdge('pay', END)
    .compile({ checkpointer: saver });
}
