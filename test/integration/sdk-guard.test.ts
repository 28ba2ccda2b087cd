import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  canonicalText,
  digestOf,
  formatTimestamp,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import {
  guard,
  memoryRunStore,
  signedReport,
  type ExecutionResult,
  type Guard,
  type GuardOptions,
  type RunOrder,
  type RunResult,
  type VerifiedAction,
} from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AFTER, BEFORE } from '../demo/iam-target.ts';
import type { Bound } from '../support/founded-ledger.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { commandPolicy } from '../support/parties.ts';
import { GRANT_PARAMS } from '../support/grant-params.ts';

let at: HttpLedger;
let folder: string;

beforeAll(async () => {
  at = await HttpLedger.start({
    policy: commandPolicy({
      types: ['generic.command', 'iam.policy.change', 'payment.grant'],
      max_uses: 3,
    }),
  });
  folder = await mkdtemp(join(tmpdir(), 'sdk-guard-'));
});
afterAll(async () => {
  await at.discard();
  await rm(folder, { recursive: true, force: true });
});

function guarded(more: Partial<GuardOptions> = {}): Guard {
  const { executor } = at.ledger.parties;
  return guard({
    ledger: at.client(executor),
    trust: at.trustFile(),
    executor: {
      id: executor.id,
      audience: 'host:build-1',
      key: { thumbprint: executor.thumbprint, sign: (message) => executor.sign(message) },
      interfaceDigest: `sha256:${'ab'.repeat(32)}`,
    },
    nowMs: () => at.ledger.clock.nowMs(),
    ...more,
  });
}

const none = (): Promise<Record<string, Digest>> => Promise.resolve({});

/** An execution that counts, and the verified parts that it was given. */
function counting(result: ExecutionResult = { result: 'succeeded' }): {
  calls: VerifiedAction[];
  execute: (verified: VerifiedAction) => Promise<ExecutionResult>;
} {
  const calls: VerifiedAction[] = [];
  return {
    calls,
    execute: (verified) => {
      calls.push(verified);
      return Promise.resolve(result);
    },
  };
}

function told(result: RunResult): string {
  return result.outcome === 'ended' ? `ended ${result.result}` : `${result.outcome} ${result.code}`;
}

async function reportsOf({ actionId }: Bound): Promise<string[]> {
  const evidence = await at.client(at.ledger.parties.executor).evidence(actionId);
  const { reports } = JSON.parse(evidence) as { reports: { entry: string }[] };
  return reports.map(({ entry }) => {
    const { report } = JSON.parse(entry) as { report: string };
    return (JSON.parse(report) as { result: string }).result;
  });
}

describe('guard', () => {
  it('runs what was approved, once, with verified parameters only, and reports it', async () => {
    const bound = await at.ledger.bind(at.ledger.parties.action({ max_uses: 1 }));
    const { calls, execute } = counting({ result: 'succeeded', targetRef: 'job 7' });
    const order: RunOrder = { action: bound.action, preconditions: none };
    const store = memoryRunStore();
    const result = await guarded({ store }).run(order, execute);
    expect(told(result)).toBe('ended succeeded');
    const [verified] = calls;
    expect(verified?.params).toEqual(bound.action['params']);
    expect(Object.isFrozen(verified?.params['argv'])).toBe(true);
    expect(verified?.shortId).toMatch(/^cs-[0-9A-Z]{10}$/);
    expect(verified?.idempotencyKey).toBe(`countersign-${verified?.useId ?? ''}`);
    expect(await reportsOf(bound)).toEqual(['succeeded']);
    // Again with the same memory: the same answer. Without it: the ledger refuses.
    expect(await guarded({ store }).run(order, execute)).toMatchObject({
      outcome: 'ended',
      isRepeat: true,
    });
    expect(told(await guarded().run(order, execute))).toBe('refused ALREADY_CONSUMED');
    expect(calls).toHaveLength(1);
  });

  it('takes evidence that it is handed, and runs each name of a binding of several uses once', async () => {
    const bound = await at.ledger.bind(at.ledger.parties.action({ max_uses: 3 }));
    const evidence = await at.client(at.ledger.parties.executor).evidence(bound.actionId);
    const { calls, execute } = counting();
    const run = guarded();
    for (const name of ['first', 'second', 'second']) {
      const order = { action: bound.action, preconditions: none, evidence, name };
      expect(told(await run.run(order, execute))).toBe('ended succeeded');
    }
    expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
    expect(calls).toHaveLength(2);
  });

  it('A01: refuses other parameters than were approved, wherever they come from', async () => {
    const bound = await at.ledger.bind();
    const { calls, execute } = counting();
    const params = { ...(bound.action['params'] as JsonObject), argv: ['restart', 'payroll'] };
    for (const order of [
      { action: bound.action, params },
      { action: { ...bound.action, params } },
    ]) {
      const result = await guarded().run({ ...order, preconditions: none }, execute);
      expect(told(result)).toBe('refused ACTION_DIGEST_MISMATCH');
    }
    expect(calls).toHaveLength(0);
  });

  it('A01: refuses a claim that was left open for another action', async () => {
    const [bound, other] = [await at.ledger.bind(), await at.ledger.bind()];
    const store = memoryRunStore();
    const { calls, execute } = counting();
    const claim = {
      v: 'countersign.run-claim.v1',
      tenant: other.action['tenant'] ?? '',
      action_id: bound.actionId,
      action_digest: digestOf('countersign/action/v1', other.action),
      executor: at.ledger.parties.executor.id,
      use_id: '01M83G8PGDVFCDVZ5H41H6NGY8',
      frame: 'e30',
      claimed_at: '2026-11-23T06:07:35.443Z',
    };
    const run = `${bound.actionId}.1`;
    await store.create(run, 'claim', canonicalText(claim));
    const result = await guarded({ store }).run(
      { action: bound.action, preconditions: none },
      execute,
    );
    expect(told(result)).toBe('refused ACTION_DIGEST_MISMATCH');
    expect(await store.read(run, 'claim')).toBe(canonicalText(claim));
    expect(calls).toHaveLength(0);
  });

  it('A07: refuses when the live state is another than it was, or cannot be read', async () => {
    const digest = (text: string): Digest => digestOf('countersign/precondition/v1', text);
    const preconditions = [{ name: 'policy.before', digest: digest(BEFORE) }];
    const account = '111122223333';
    const policyArn = `arn:aws:iam::${account}:policy/deploy-agent`;
    const bound = await at.ledger.bind(
      at.ledger.parties.action({
        type: 'iam.policy.change',
        params: {
          provider: 'aws',
          account,
          target: { kind: 'managed-policy', ref: policyArn },
          before: BEFORE,
          after: AFTER,
          change_ref: 'CHG-1042',
        },
        preconditions,
      }),
    );
    const { calls, execute } = counting();
    const order = (live: () => Promise<Record<string, Digest>>): RunOrder => ({
      action: bound.action,
      preconditions: live,
    });
    const moved = (): Promise<Record<string, Digest>> =>
      Promise.resolve({ 'policy.before': digest(AFTER) });
    const away = (): Promise<never> => Promise.reject(new Error('no such host'));
    const run = guarded();
    expect(told(await run.run(order(moved), execute))).toBe('refused PRECONDITION_STALE');
    expect(told(await run.run(order(none), execute))).toBe('refused PRECONDITION_STALE');
    expect(told(await run.run(order(away), execute))).toBe('refused PRECONDITION_UNREADABLE');
    expect(calls).toHaveLength(0);
    const same = (): Promise<Record<string, Digest>> =>
      Promise.resolve({ 'policy.before': digest(BEFORE) });
    expect(told(await run.run(order(same), execute))).toBe('ended succeeded');
  });

  it('A09: refuses another executor, audience, interface or ledger', async () => {
    const bound = await at.ledger.bind();
    const { calls, execute } = counting();
    const { executor } = at.ledger.parties;
    const own = {
      id: executor.id,
      audience: 'host:build-1',
      key: { thumbprint: executor.thumbprint, sign: (m: Uint8Array) => executor.sign(m) },
      interfaceDigest: `sha256:${'ab'.repeat(32)}`,
    } as const;
    const trust = JSON.parse(Buffer.from(at.trustFile()).toString()) as JsonObject;
    const otherTrust = Buffer.from(
      JSON.stringify({ ...trust, genesis: `sha256:${'00'.repeat(32)}` }),
    );
    const wrong: [Partial<GuardOptions>, string][] = [
      [{ executor: { ...own, id: 'build-2' } }, 'EXECUTOR_MISMATCH'],
      [{ executor: { ...own, audience: 'host:build-2' } }, 'EXECUTOR_MISMATCH'],
      [
        { executor: { ...own, interfaceDigest: `sha256:${'cd'.repeat(32)}` } },
        'EXECUTOR_DESCRIPTOR_MISMATCH',
      ],
      [{ trust: new Uint8Array(otherTrust) }, 'GENESIS_MISMATCH'],
    ];
    for (const [options, code] of wrong) {
      const result = await guarded(options).run(
        { action: bound.action, preconditions: none },
        execute,
      );
      expect(told(result)).toBe(`refused ${code}`);
    }
    expect(calls).toHaveLength(0);
  });

  it('H04: does not run on what is only open, nor on evidence that says "approved": true', async () => {
    const open = await at.ledger.admit();
    const { calls, execute } = counting();
    const order = { action: open.action, preconditions: none };
    expect(told(await guarded().run(order, execute))).toBe('refused NOT_BOUND');
    const evidence = '{"approved":true}';
    expect(told(await guarded().run({ ...order, evidence }, execute))).toBe(
      'refused EVIDENCE_FORMAT',
    );
    expect(calls).toHaveLength(0);
  });
});

describe('a grant of several payments', () => {
  const grant = (): Promise<Bound> =>
    at.ledger.bind(
      at.ledger.parties.action({ type: 'payment.grant', params: GRANT_PARAMS, max_uses: 3 }),
    );

  it('A13: hands each use what it has chosen, beside what was approved', async () => {
    const { action } = await grant();
    const { calls, execute } = counting();
    for (const [name, amount] of [
      ['1', '500.00'],
      ['2', '0.01'],
    ] as const) {
      const order = { action, preconditions: none, name, chosen: { amount } };
      expect(told(await guarded().run(order, execute))).toBe('ended succeeded');
    }
    expect(calls.map(({ params }) => params)).toEqual([
      { ...GRANT_PARAMS, amount: '500.00' },
      { ...GRANT_PARAMS, amount: '0.01' },
    ]);
    expect(Object.isFrozen(calls[0]?.params)).toBe(true);
  });

  it.each([
    ['above', { amount: '500.01' }],
    ['of another scale', { amount: '5' }],
    ['beside a name of no bound', { amount: '5.00', currency: 'USD' }],
    ['not chosen', undefined],
  ])('A13: executes nothing for an amount %s', async (_, chosen) => {
    const { action } = await grant();
    const { calls, execute } = counting();
    const order = { action, preconditions: none, ...(chosen !== undefined && { chosen }) };
    expect(told(await guarded().run(order, execute))).toBe('refused CONSTRAINT_VIOLATED');
    expect(calls).toHaveLength(0);
  });

  it('A13: makes an unanswered claim again with what it chose, whatever the order says now', async () => {
    const { action } = await grant();
    const { calls, execute } = counting();
    const store = memoryRunStore();
    const order = (amount: string): RunOrder => ({
      action,
      preconditions: none,
      chosen: { amount },
    });
    const cut = guarded({ store, ledger: without('uses') });
    expect(told(await cut.run(order('1.00'), execute))).toBe('refused LEDGER_UNREACHABLE');
    expect(told(await guarded({ store }).run(order('2.00'), execute))).toBe('ended succeeded');
    expect(calls.map(({ params }) => params['amount'])).toEqual(['1.00']);
  });

  it('C16: goes on only when a later report says what came of the use that nobody knew', async () => {
    const bound = await grant();
    const order = (name: string): RunOrder => ({
      action: bound.action,
      preconditions: none,
      name,
      chosen: { amount: '1.00' },
    });
    const first = await guarded().run(order('1'), counting({ result: 'unknown' }).execute);
    const { calls, execute } = counting();
    expect(told(await guarded().run(order('2'), execute))).toBe('refused OUTCOME_UNKNOWN');
    const { executor, tenant } = at.ledger.parties;
    const nowAt = at.ledger.clock.nowMs();
    const report = await signedReport(
      {
        tenant,
        actionId: bound.actionId,
        actionDigest: digestOf('countersign/action/v1', bound.action),
        useId: first.outcome === 'refused' ? '' : first.useId,
        result: 'succeeded',
        startedAt: formatTimestamp(nowAt),
        endedAt: formatTimestamp(nowAt),
      },
      {
        id: executor.id,
        key: { thumbprint: executor.thumbprint, sign: (all) => executor.sign(all) },
      },
    );
    await at.client(executor).submit('reports', report);
    expect(told(await guarded().run(order('2'), execute))).toBe('ended succeeded');
    expect(calls).toHaveLength(1);
  });
});

describe('an outcome that is not known', () => {
  it('C16: what the callback throws is OUTCOME_UNKNOWN, reported, and never run again', async () => {
    const bound = await at.ledger.bind(at.ledger.parties.action({ max_uses: 3 }));
    const store = memoryRunStore();
    let calls = 0;
    const order: RunOrder = { action: bound.action, preconditions: none };
    const fails = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new Error('timeout at the bank'));
    };
    const first = await guarded({ store }).run(order, fails);
    expect(first).toMatchObject({ outcome: 'unknown', result: 'unknown', report: 'logged' });
    expect(told(await guarded({ store }).run(order, fails))).toBe('unknown OUTCOME_UNKNOWN');
    // Another name, and no memory at all: the binding has uses left, and still nobody runs on it.
    const other = { ...order, name: 'again' };
    expect(told(await guarded({ store }).run(other, fails))).toBe('refused OUTCOME_UNKNOWN');
    expect(told(await guarded().run(order, fails))).toBe('refused OUTCOME_UNKNOWN');
    expect(calls).toBe(1);
    expect(await reportsOf(bound)).toEqual(['unknown']);
  });

  it('C16: a process that died while it executed reports unknown when it starts again', async () => {
    const bound = await at.ledger.bind();
    const store = join(folder, 'died');
    const order: RunOrder = { action: bound.action, preconditions: none };
    const died = cutAfterStart(fileRunStore(store));
    await expect(guarded({ store: died }).run(order, counting().execute)).rejects.toThrow('died');
    const { calls, execute } = counting();
    const again = guarded({ store: fileRunStore(store) });
    const [settled] = await again.settle();
    expect(settled).toMatchObject({ outcome: 'unknown', result: 'unknown', report: 'logged' });
    expect(told(await again.run(order, execute))).toBe('unknown OUTCOME_UNKNOWN');
    expect(await again.settle()).toEqual([]);
    expect(calls).toHaveLength(0);
    expect(await reportsOf(bound)).toEqual(['unknown']);
  });

  it('a report that is not delivered is sent again as it was, and the action is not run again', async () => {
    const bound = await at.ledger.bind();
    const store = fileRunStore(join(folder, 'undelivered'));
    const order: RunOrder = { action: bound.action, preconditions: none };
    const { calls, execute } = counting();
    const run = guarded({ store, ledger: without('reports') });
    expect(await run.run(order, execute)).toMatchObject({
      outcome: 'unknown',
      result: 'succeeded',
      report: 'pending',
    });
    expect(await reportsOf(bound)).toEqual([]);
    expect(await guarded({ store }).settle()).toMatchObject([
      { outcome: 'ended', result: 'succeeded', isRepeat: true },
    ]);
    expect(await reportsOf(bound)).toEqual(['succeeded']);
    expect(calls).toHaveLength(1);
  });

  it('leaves a run to the call that is at it', async () => {
    const bound = await at.ledger.bind();
    const store = fileRunStore(join(folder, 'busy'));
    const order: RunOrder = { action: bound.action, preconditions: none };
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    let started = (): void => undefined;
    const isRunning = new Promise<void>((resolve) => (started = resolve));
    const first = guarded({ store }).run(order, async () => {
      started();
      await until;
      return { result: 'succeeded' };
    });
    await isRunning;
    const { calls, execute } = counting();
    expect(told(await guarded({ store }).run(order, execute))).toBe('refused RUN_BUSY');
    release();
    expect(told(await first)).toBe('ended succeeded');
    expect(calls).toHaveLength(0);
  });
});

describe('a network that is cut', () => {
  it.each(['evidence', 'uses'])('H02: before %s: nothing is executed', async (step) => {
    const bound = await at.ledger.bind();
    const { calls, execute } = counting();
    const store = memoryRunStore();
    const order: RunOrder = { action: bound.action, preconditions: none };
    const result = await guarded({ store, ledger: without(step) }).run(order, execute);
    expect(told(result)).toBe('refused LEDGER_UNREACHABLE');
    expect(calls).toHaveLength(0);
    // Back again: nothing was claimed, so the same call runs it.
    expect(told(await guarded({ store }).run(order, execute))).toBe('ended succeeded');
    expect(calls).toHaveLength(1);
  });

  const CUTS: [call: string, how: 'cut' | 'cut-after', then: readonly [string, string]][] = [
    ['GET /v1/actions', 'cut', ['ended succeeded', 'succeeded']],
    ['GET /v1/actions', 'cut-after', ['ended succeeded', 'succeeded']],
    ['POST /v1/uses', 'cut', ['ended succeeded', 'succeeded']],
    // What had arrived is spent: it never started, and the ledger hears that.
    ['POST /v1/uses', 'cut-after', ['refused NOT_STARTED', 'failed']],
  ];
  it.each(CUTS)('H02: on the wire, at %s, %s', async (call, how, [again, reported]) => {
    const bound = await at.ledger.bind();
    const { calls, execute } = counting();
    const store = memoryRunStore();
    const order: RunOrder = { action: bound.action, preconditions: none };
    at.net.meddle = (each) => (each.startsWith(call) ? how : 'pass');
    expect(told(await guarded({ store }).run(order, execute))).toBe('refused LEDGER_UNREACHABLE');
    expect(calls).toHaveLength(0);
    at.net.meddle = () => 'pass';
    expect(told(await guarded({ store }).run(order, execute))).toBe(again);
    expect(await reportsOf(bound)).toEqual([reported]);
  });

  it('C07: does not start after start_by, and reports that nothing ran', async () => {
    const bound = await at.ledger.bind();
    const { calls, execute } = counting();
    let now = 0;
    const late = guarded({
      // The clock is read before the claim, at its receipt, and right before the start: that last time is too late.
      nowMs: () => at.ledger.clock.nowMs() + ((now += 1) > 4 ? 120_000 : 0),
    });
    const order: RunOrder = { action: bound.action, preconditions: none };
    expect(told(await late.run(order, execute))).toBe('refused EXPIRED');
    expect(calls).toHaveLength(0);
    expect(await reportsOf(bound)).toEqual(['failed']);
  });
});

/** The executor's way to the ledger without one of its calls. */
function without(step: string): GuardOptions['ledger'] {
  const client = at.client(at.ledger.parties.executor);
  const away = (): Promise<never> => Promise.reject(new TypeError('fetch failed'));
  return {
    evidence: (id) => (step === 'evidence' ? away() : client.evidence(id)),
    submit: (path, frame) => (step === path ? away() : client.submit(path, frame)),
  };
}

/** A process that is killed right after the start was written down. */
function cutAfterStart(store: ReturnType<typeof fileRunStore>): typeof store {
  return {
    ...store,
    async create(run, part, text) {
      const isNew = await store.create(run, part, text);
      if (part === 'start') throw new Error('died');
      return isNew;
    },
  };
}
