import type { Digest } from '@countersign/canonical';
import type { Action } from '@countersign/descriptors';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/** What the caller knows by itself, and will not take from the evidence. */
export interface Expected {
  readonly actionDigest?: Digest;
  /** Id of the executor. */
  readonly executor?: string;
  /** Digests of live state, by name: each precondition of the action MUST be there and equal. */
  readonly preconditions?: Readonly<Record<string, Digest>>;
}

/** How far a verifier's clock may be off, unless the caller says otherwise. */
const DEFAULT_SKEW_MS = 5_000;

export interface Clock {
  readonly nowMs: number;
  readonly skewMs?: number;
}

/** Step 19 of schemas/formats/evidence.md §5: whether the binding may still be used at this time. */
export function checkTime({ evidence, log }: Verification, clock: Clock): void {
  const { at, use_by: useBy } = evidence.binding.entry;
  const skewMs = clock.skewMs ?? DEFAULT_SKEW_MS;
  log.begin('expiry');
  if (clock.nowMs + skewMs < Date.parse(at)) {
    throw new VerifyError('CLOCK_UNKNOWN', 'expected a clock that is not behind the binding');
  }
  if (clock.nowMs - skewMs > Date.parse(useBy)) {
    throw new VerifyError('EXPIRED', `expected a time up to ${useBy}, give or take ${skewMs} ms`);
  }
  log.ok(`use by ${useBy}`);
}

/** Step 20: that this is the binding the caller means. */
export function checkExpectations(
  { evidence, log }: Verification,
  action: Action | undefined,
  expected: Expected,
): void {
  const { entry } = evidence.binding;
  log.begin('expectation');
  if (expected.actionDigest !== undefined && expected.actionDigest !== entry.action_digest) {
    throw new VerifyError('ACTION_DIGEST_MISMATCH', `expected ${expected.actionDigest}`);
  }
  if (expected.executor !== undefined && expected.executor !== entry.executor.id) {
    throw new VerifyError('EXECUTOR_MISMATCH', `expected a binding for ${expected.executor}`);
  }
  log.ok('the action and the executor that were expected');
  if (expected.preconditions === undefined) return;
  log.begin('preconditions');
  if (action === undefined) {
    throw new VerifyError('CONTENT_MISSING', 'expected the action with its preconditions');
  }
  assertLive(action, expected.preconditions);
  log.ok(`${action.envelope.preconditions.length} as they were when it was asked for`);
}

function assertLive(action: Action, live: Readonly<Record<string, Digest>>): void {
  for (const { name, digest } of action.envelope.preconditions) {
    if (!Object.hasOwn(live, name) || live[name] !== digest) {
      throw new VerifyError('PRECONDITION_STALE', `expected ${name} to be as it was`);
    }
  }
}
