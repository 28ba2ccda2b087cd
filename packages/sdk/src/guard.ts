import { verifySignature } from '@countersign/crypto-node';
import type { PolicyEngine } from '@countersign/binding';
import { checkDelegationTokens, createVerifier, parseTrust, type Trust } from '@countersign/verify';
import { GuardedRun } from './guarded-run.ts';
import type { ExecutorIdentity, ExecutorLedger, RunOrder } from './run-order.ts';
import type { ExecutionResult, RunResult, VerifiedAction } from './run-result.ts';
import { memoryRunStore, type RunStore } from './run-store.ts';

export interface GuardOptions {
  /** Signs its reads with the executor's key. */
  readonly ledger: ExecutorLedger;
  /** A trust file, or one that is parsed: got from somebody who is not the ledger. */
  readonly trust: Uint8Array | Trust;
  readonly executor: ExecutorIdentity;
  /** `fileRunStore(folder)` from `@countersign/sdk/file-store` survives a crash. In memory unless given. */
  readonly store?: RunStore;
  /** Evaluates a policy in Cedar again (`@countersign/policy-cedar`). Without it, which permits were satisfied is what the ledger says. */
  readonly policyEngine?: PolicyEngine;
  /** A demonstration ledger is accepted, whatever the trust file says. */
  readonly allowDemo?: boolean;
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
}

export interface Guard {
  /**
   * Verifies the evidence offline at level `human`, compares it with exactly this action, checks the live state, claims
   * the use, verifies the log's receipt for it, and only then, and before `start_by`, calls `execute` with the verified
   * parameters. Then signs and sends the report. Called again for the same action and name it never executes twice.
   *
   * There is no option to run without. Refusals are results, not errors: `code` says why.
   * @throws what the run store throws before anything was executed; never after
   */
  run(
    order: RunOrder,
    execute: (verified: VerifiedAction) => Promise<ExecutionResult>,
  ): Promise<RunResult>;
  /**
   * To be called when an executor starts again: what was being run when it died is reported `unknown`, and reports that
   * were not delivered are sent. Nothing is executed.
   */
  settle(): Promise<readonly RunResult[]>;
}

/**
 * @example
 * const guarded = guard({ ledger, trust, executor, store: fileRunStore('./runs') });
 * const run = await guarded.run({ action, preconditions: async () => ({}) }, async ({ params, shortId }) => {
 *   await target.change(params, { tag: shortId });
 *   return { result: 'succeeded' };
 * });
 */
export function guard(options: GuardOptions): Guard {
  const { ledger, executor, store = memoryRunStore(), allowDemo = false } = options;
  const { nowMs = Date.now } = options;
  const trust = options.trust instanceof Uint8Array ? parseTrust(options.trust) : options.trust;
  const verifier = createVerifier({
    trust,
    verifySignature,
    ...(options.policyEngine !== undefined && { policyEngine: options.policyEngine }),
    delegationCheck: checkDelegationTokens,
  });
  const runs = new GuardedRun({
    ledger,
    verifier,
    executor,
    store,
    allowDemo,
    nowMs,
  });
  return {
    run: (order, execute) => runs.run(order, execute),
    settle: () => runs.settle(),
  };
}
