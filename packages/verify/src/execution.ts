import type { Digest } from '@countersign/canonical';
import type { Action } from '@countersign/descriptors';
import { namedAction } from './content-check.ts';
import { checkExpectations, checkTime, type Clock } from './expectation.ts';
import type { Level } from './outcome.ts';
import { assertStillOpen } from './still-open.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** What an executor is about to do, from its own knowledge only. */
export interface Execution extends Clock {
  /** `human` by default. */
  readonly level?: Level;
  /** Canonical bytes of the action made from the parameters that it will send. */
  readonly action: Uint8Array;
  readonly executor: {
    readonly id: string;
    readonly interfaceDigest: Digest;
    /** Where it runs things; one that runs in several places MUST say which this is. */
    readonly audience?: string;
  };
  /** Digests of live state, by name: one for each precondition of the action. */
  readonly preconditions: Readonly<Record<string, Digest>>;
  readonly allowDemo?: boolean;
}

/** Steps 19 and 20 of schemas/formats/evidence.md §5, as an executor needs them before it claims the use. */
export function assertExecutable(
  run: Verification,
  bound: Action | undefined,
  execution: Execution,
): void {
  const { evidence, log } = run;
  const { entry } = evidence.binding;
  checkTime(run, execution);
  assertStillOpen(run);
  log.begin('action to run');
  if (bound === undefined) {
    throw new VerifyError('CONTENT_MISSING', 'expected the action that was bound');
  }
  const action = namedAction(execution.action, entry.action_digest);
  log.ok(action.digest);
  log.begin('executor');
  const { id, interfaceDigest, audience = entry.executor.audience } = execution.executor;
  if (id !== entry.executor.id || audience !== entry.executor.audience) {
    throw new VerifyError('EXECUTOR_MISMATCH', `expected a binding for ${id}`);
  }
  if (interfaceDigest !== entry.executor.descriptor_digest) {
    throw new VerifyError('EXECUTOR_DESCRIPTOR_MISMATCH', 'expected the interface that was bound');
  }
  log.ok(id);
  checkExpectations(run, action, { preconditions: execution.preconditions });
}
