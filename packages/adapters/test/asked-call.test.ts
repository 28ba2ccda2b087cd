import { canonicalText, type JsonObject } from '@countersign/canonical';
import type { Guard, LedgerClient, RunResult } from '@countersign/sdk';
import { describe, expect, it } from 'vitest';
import { draftCall, runAsked, type AskedCall, type ToolGate } from '../src/asked-call.ts';

const DIGEST = `sha256:${'1'.repeat(64)}` as const;
const ENDED: RunResult = {
  outcome: 'ended',
  result: 'succeeded',
  useId: '01M83G8PGDVFCDVZ5H41H6NGY8',
  shortId: 'cs-5H41H6NGY8',
  isRepeat: true,
};

/** With a guard that takes everything: what is refused here is refused before it. */
function gate(seen: unknown[]): ToolGate {
  const guard: Guard = {
    run: (order) => {
      seen.push(order);
      return Promise.resolve(ENDED);
    },
    settle: () => Promise.resolve([]),
  };
  return {
    ledger: { url: 'https://ledger.example.com' } as unknown as LedgerClient,
    guard,
    parties: {
      tenant: 'acme',
      agent: { id: 'billing', key_thumbprint: DIGEST },
      executor: { id: 'exec', audience: 'host:a', descriptor_digest: DIGEST },
    },
    key: { thumbprint: DIGEST, sign: () => new Uint8Array(64) },
  };
}

const tool = {
  content: (args: JsonObject) => ({
    type: 'generic.tool_call',
    typeVersion: 1,
    params: args,
    lifeS: 60,
  }),
  execute: () => Promise.resolve('done'),
};

function changed(asked: AskedCall, changes: JsonObject): AskedCall {
  const action = JSON.parse(asked.action) as JsonObject;
  return { ...asked, action: canonicalText({ ...action, ...changes }) };
}

describe('a call that a framework has kept', () => {
  const args = { amount: '10.00' };

  it('goes to the guard as it was asked for', async () => {
    const seen: unknown[] = [];
    const at = gate(seen);
    await runAsked(at, draftCall(at, tool.content(args)), { tool, args });
    expect(seen).toHaveLength(1);
  });

  it.each<[string, JsonObject]>([
    ['type', { type: 'generic.command' }],
    ['version of the type', { type_version: 2 }],
    ['tenant', { tenant: 'other' }],
    ['agent', { agent: { id: 'other', key_thumbprint: DIGEST } }],
    ['executor', { executor: { id: 'other', audience: 'host:a', descriptor_digest: DIGEST } }],
    ['audience', { executor: { id: 'exec', audience: 'host:b', descriptor_digest: DIGEST } }],
    ['id', { action_id: '01M83G8PGDVFCDVZ5H41H6NGY8' }],
  ])('A04: is ACTION_DIGEST_MISMATCH with another %s', async (_, changes) => {
    const seen: unknown[] = [];
    const at = gate(seen);
    const asked = changed(draftCall(at, tool.content(args)), changes);
    expect(await runAsked(at, asked, { tool, args })).toMatchObject({
      ran: false,
      code: 'ACTION_DIGEST_MISMATCH',
    });
    expect(seen).toEqual([]);
  });

  it('is ACTION_DIGEST_MISMATCH when it cannot be read', async () => {
    const at = gate([]);
    const asked = { ...draftCall(at, tool.content(args)), action: '{"a":1,"a":2}' };
    expect(await runAsked(at, asked, { tool, args })).toMatchObject({
      code: 'ACTION_DIGEST_MISMATCH',
    });
  });
});
