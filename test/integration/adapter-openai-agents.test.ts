import {
  Agent,
  run,
  tool,
  RunState,
  setTracingDisabled,
  Usage,
  type Model,
  type ModelResponse,
} from '@openai/agents';
import type { ToolGate } from '@countersign/adapters';
import { awaitDecisions, countersignedTool } from '@countersign/adapters/openai-agents';
import { parseEntry } from '@countersign/binding';
import { reconcile, type BoundUse, type TargetEffect } from '@countersign/reconcile';
import { memoryRunStore } from '@countersign/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { post } from '../support/http-person.ts';
import { Person, TENANT } from '../support/parties.ts';
import { PROGRAM, ToolLedger } from '../support/tool-ledger.ts';

let at: ToolLedger;
let paid: unknown[];

beforeAll(async () => {
  setTracingDisabled(true);
  at = await ToolLedger.start();
});
afterAll(() => at.discard());
beforeEach(() => {
  paid = [];
});

type Call = readonly [callId: string, args: Readonly<Record<string, string>>, tool?: string];

/** A model that calls what it is told to, turn by turn, and then says what it was told by the tools. */
class FakeModel implements Model {
  readonly heard: string[] = [];
  readonly #turns: (readonly Call[])[];

  constructor(...turns: (readonly Call[])[]) {
    this.#turns = turns;
  }

  getResponse({ input }: Parameters<Model['getResponse']>[0]): Promise<ModelResponse> {
    for (const item of typeof input === 'string' ? [] : input) {
      if (item.type === 'function_call_result') this.heard.push(JSON.stringify(item.output));
    }
    const calls = this.#turns.shift() ?? [];
    const output = calls.map(([callId, args, name = 'refund']) => ({
      type: 'function_call' as const,
      callId,
      name,
      status: 'completed' as const,
      arguments: JSON.stringify(args),
    }));
    const done = {
      type: 'message' as const,
      role: 'assistant' as const,
      status: 'completed' as const,
      content: [{ type: 'output_text' as const, text: 'done' }],
    };
    return Promise.resolve({
      usage: new Usage(),
      output: calls.length === 0 ? [done] : output,
    });
  }

  // eslint-disable-next-line require-yield, @typescript-eslint/require-await
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error('expected no stream');
  }
}

/** The bank that both tools pay through, and its own record of what it did. */
class Bank {
  readonly record: TargetEffect[] = [];

  pay(args: unknown, reference?: string): string {
    const { order, amount } = args as { order: string; amount: string };
    const id = `payment-${this.record.length + 1}`;
    const effect = { record: 'bank', id, at: new Date().toISOString(), kind: 'payment' } as const;
    this.record.push({
      ...effect,
      target: order,
      facts: { amount },
      ...(reference !== undefined && { reference }),
    });
    return `paid ${amount}`;
  }
}

const ORDER = {
  type: 'object' as const,
  properties: { order: { type: 'string' }, amount: { type: 'string' } },
  required: ['order', 'amount'],
  additionalProperties: false as const,
};

/** As deployments are that leave the credential of the target with the agent: one tool is gated, and a shell is not. */
function carelessAgent(gate: ToolGate, model: Model, bank: Bank): Agent {
  const refund = countersignedTool(gate, PROGRAM, {
    name: 'refund',
    description: 'Pays back',
    parameters: ORDER,
    execute: (args, { shortId }) => Promise.resolve(bank.pay(args, shortId)),
  });
  const shell = tool({
    name: 'shell',
    description: 'Runs anything',
    parameters: ORDER as never,
    strict: true,
    execute: (args) => Promise.resolve(bank.pay(args)),
  });
  return new Agent({ name: 'orders', model, tools: [refund, shell] });
}

/** The uses of an action, with what each was to do at the bank. */
async function usesOf(actionId: string, { order, amount }: typeof A): Promise<BoundUse[]> {
  const rows = await at.at.ledger.store.entriesOf(TENANT, actionId);
  return rows.flatMap(({ bytes }) => {
    const entry = parseEntry(bytes);
    if (entry.type !== 'binding-used') return [];
    const expected = [{ kind: 'payment' as const, target: order, facts: { amount } }];
    const { use_id: useId, short_id: shortId, start_by: startBy } = entry;
    return [{ actionId, useId, shortId, startBy, expected, result: 'succeeded' as const }];
  });
}

function agentOf(gate: ToolGate, model: Model): Agent {
  const refund = countersignedTool(gate, PROGRAM, {
    name: 'refund',
    description: 'Pays back',
    parameters: ORDER,
    execute: (args) => {
      paid.push(args);
      return Promise.resolve(`paid ${paid.length}`);
    },
  });
  return new Agent({ name: 'orders', model, tools: [refund] });
}

const A = { order: 'A-1', amount: '10.00' };
const B = { order: 'B-2', amount: '20.00' };

/** The ids of what was asked, by the call. */
function asked(state: RunState<never, never>): Record<string, string> {
  const { countersign = {} } = state._context.context as {
    countersign?: Record<string, { action_id: string }>;
  };
  return Object.fromEntries(
    Object.entries(countersign).map(([call, { action_id: id }]) => [call, id]),
  );
}

type State = RunState<never, never>;

async function begun(agent: Agent): Promise<State> {
  return (await run(agent, 'refund please')).state as unknown as State;
}

/** As another process would go on: with the text of the state alone. */
async function restored(agent: Agent, state: State): Promise<State> {
  return (await RunState.fromString(agent, state.toString())) as unknown as State;
}

async function goneOn(agent: Agent, state: State): Promise<State> {
  return (await run(agent, state as never)).state as unknown as State;
}

describe('OpenAI Agents SDK', () => {
  it('runs a tool after a human has approved it, also in a process that was started since', async () => {
    const model = new FakeModel([['c1', A]]);
    const state = await begun(agentOf(at.gate(), model));
    expect(state.getInterruptions()).toHaveLength(1);
    const { c1 = '' } = asked(state);
    const agent = agentOf(at.gate(), model);
    const again = await restored(agent, state);
    const waiting = awaitDecisions(at.gate(), again as never);
    await at.decide(c1);
    await waiting;
    await goneOn(agent, again);
    expect(paid).toEqual([A]);
    expect(model.heard.join('')).toContain('paid 1');
    expect(await at.logged(c1)).toContain('execution-reported');
  });

  it('A05: parallel calls get their own answers', async () => {
    const model = new FakeModel([
      ['c1', A],
      ['c2', B],
    ]);
    const agent = agentOf(at.gate(), model);
    const state = await begun(agent);
    const { c1 = '', c2 = '' } = asked(state);
    await at.decide(c2, { verdict: 'deny' });
    await at.decide(c1);
    await awaitDecisions(at.gate(), state as never);
    await goneOn(agent, state);
    expect(paid).toEqual([A]);
    expect(model.heard.join('')).toContain('DENIED');
  });

  it('H04: does not run on an approval that only the framework knows of', async () => {
    const model = new FakeModel([['c1', A]], [['c2', B]]);
    const agent = agentOf(at.gate(), model);
    const state = await begun(agent);
    const [item] = state.getInterruptions();
    if (item === undefined) throw new Error('expected an interruption');
    state.approve(item, { alwaysApprove: true });
    await goneOn(agent, state);
    expect(paid).toEqual([]);
    // The first was asked for and is not bound; for the second nobody was asked at all.
    expect(model.heard.join('')).toMatch(/NOT_FOUND|NOT_BOUND|EVIDENCE/);
    expect(model.heard.join('')).toContain('NOT_ASKED');
  });
});

describe('a model that was told to do something else', () => {
  it('A04: ACTION_DIGEST_MISMATCH when it changes the arguments after the approval', async () => {
    const model = new FakeModel([['c1', A]]);
    const agent = agentOf(at.gate(), model);
    const state = await begun(agent);
    await at.decide(asked(state)['c1'] ?? '');
    await awaitDecisions(at.gate(), state as never);
    // Whoever keeps the state changes what it says that the model called.
    const text = state.toString().replaceAll('10.00', '9000.00');
    const kept = JSON.stringify(state._context.context).slice(1, -1);
    const injected = text.replace(kept.replaceAll('10.00', '9000.00'), kept);
    await goneOn(agent, (await RunState.fromString(agent, injected)) as unknown as State);
    expect(paid).toEqual([]);
    expect(model.heard.join('')).toContain('ACTION_DIGEST_MISMATCH');
  });

  it('A04: runs once, with what was approved, when it calls again under the id of that call', async () => {
    const model = new FakeModel([['c1', A]], [['c1', { ...A, amount: '9000.00' }]]);
    const agent = agentOf(at.gate(), model);
    const state = await begun(agent);
    await at.decide(asked(state)['c1'] ?? '');
    await awaitDecisions(at.gate(), state as never);
    await goneOn(agent, state).catch((error: unknown) => error);
    expect(paid).toEqual([A]);
  });

  it('D06: cannot answer its own request, with a key of its own', async () => {
    const state = await begun(agentOf(at.gate(), new FakeModel([['c1', A]])));
    const { c1 = '' } = asked(state);
    const mallory = new Person(Date.now());
    expect(await at.decide(c1, { person: mallory })).toEqual({
      kind: 'quarantined',
      code: 'CREDENTIAL_UNKNOWN',
    });
    expect(await at.logged(c1)).not.toContain('binding-made');
    const forged = await post(
      { url: at.at.url, path: '/v1/decisions' },
      { approved: true, action_id: c1 },
      { 'content-type': 'application/json', origin: at.at.url, 'x-countersign': '1' },
    );
    expect(forged.status).toBeGreaterThanOrEqual(400);
    expect(paid).toEqual([]);
  });

  it('C01: ALREADY_CONSUMED, and recorded, when a binding is used a second time', async () => {
    const model = new FakeModel([['c1', A]]);
    const agent = agentOf(at.gate(memoryRunStore()), model);
    const state = await begun(agent);
    const { c1 = '' } = asked(state);
    await at.decide(c1);
    await awaitDecisions(at.gate(), state as never);
    const backup = state.toString();
    await goneOn(agent, state);
    const other = agentOf(at.gate(memoryRunStore()), model);
    const again = (await RunState.fromString(other, backup)) as unknown as State;
    await goneOn(other, again);
    expect(paid).toEqual([A]);
    expect(model.heard.join('')).toContain('ALREADY_CONSUMED');
    // An executor that does not even look at the evidence is refused by the ledger, which writes it down.
    await at.claim(c1);
    expect(await at.logged(c1)).toContain('use-refused');
  });

  it('G12, H01: is found as UNBOUND_EXECUTION where it calls the target round the gate', async () => {
    const bank = new Bank();
    // Approved is one refund. In the same turn it pays another through the shell, and the first one once more.
    const model = new FakeModel(
      [['c1', A]],
      [
        ['c2', { ...A, amount: '9000.00' }, 'shell'],
        ['c3', A, 'shell'],
      ],
    );
    const agent = carelessAgent(at.gate(memoryRunStore()), model, bank);
    const state = await begun(agent);
    const { c1 = '' } = asked(state);
    await at.decide(c1);
    await awaitDecisions(at.gate(), state as never);
    await goneOn(agent, state);
    // Nothing here could stop it: the bank has done all three.
    expect(bank.record.map(({ facts }) => facts['amount'])).toEqual(['10.00', '9000.00', '10.00']);
    const uses = await usesOf(c1, A);
    const { findings, matched } = reconcile({
      uses,
      effects: bank.record,
      covered: new Map([['payment', '9999-12-31T00:00:00.000Z']]),
    });
    expect(matched).toBe(1);
    expect(findings).toMatchObject([
      { finding: 'UNBOUND_EXECUTION', effect: { id: 'payment-2' } },
      { finding: 'UNBOUND_EXECUTION', effect: { id: 'payment-3' } },
    ]);
    // Borrowing the name of the use that was approved does not help.
    bank.pay({ ...A, amount: '9000.00' }, uses[0]?.shortId);
    const borrowed = reconcile({ uses, effects: bank.record, covered: new Map() });
    expect(borrowed.findings).toMatchObject([
      { finding: 'DUPLICATE_EFFECT', effect: { id: 'payment-4' } },
      { finding: 'UNBOUND_EXECUTION' },
      { finding: 'UNBOUND_EXECUTION' },
    ]);
  });
});
