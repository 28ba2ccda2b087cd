import type { Digest, JsonObject } from '@countersign/canonical';
import type { ApprovalFacts } from '@countersign/verify';
import type { InputAnswer } from './input-answer.ts';

/** What the callback is given: nothing in it was taken from anywhere but verified evidence. */
export interface VerifiedAction {
  readonly tenant: string;
  readonly actionId: string;
  /** Of what was approved: for an item of a batch, that of the whole batch. */
  readonly actionDigest: Digest;
  /** As `iam.policy.change`; for an item of a batch, that of the item. */
  readonly type: string;
  readonly typeVersion: number;
  /** With what the use has chosen, where its action has bounds. Frozen, all the way down. Send these, and no other copy of them. */
  readonly params: JsonObject;
  /** Who approved, with their rationale unless it was erased. */
  readonly approvals: readonly ApprovalFacts[];
  readonly useId: string;
  /** `cs-` and ten characters: to be recorded by the target system, as a tag, a comment or a session name. */
  readonly shortId: string;
  /** `countersign-` and the use id, 38 characters: for targets that take an idempotency key or a client token. */
  readonly idempotencyKey: string;
  /** RFC 3339 in UTC. The callback was called before it. */
  readonly startBy: string;
}

/** How the callback says that it ended. Anything thrown instead means that nobody knows: `unknown`. */
export interface ExecutionResult {
  /** `failed`: the target is known to be as it was, or the change to be incomplete in a known way. */
  readonly result: 'succeeded' | 'failed' | 'unknown';
  readonly exitStatus?: number;
  /** What the target calls the change; at most 200 characters. */
  readonly targetRef?: string;
  readonly beforeDigest?: Digest;
  readonly afterDigest?: Digest;
  /** At most 8; sizes in bytes. */
  readonly outputs?: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly bytes: number;
  }[];
}

/** It ran, and the ledger has the report. */
export interface RunEnded {
  readonly outcome: 'ended';
  readonly result: 'succeeded' | 'failed';
  readonly useId: string;
  readonly shortId: string;
  /** It ran in an earlier call, and did not now. */
  readonly isRepeat: boolean;
}

/** The callback was not called, neither now nor in an earlier call under this name. */
export interface RunRefused {
  readonly outcome: 'refused';
  /** Of the verifier, of the ledger, or one of SdkErrorCode. */
  readonly code: string;
  readonly detail: string;
  /** The entry by which the ledger refused the use, with its receipt. */
  readonly answer?: InputAnswer;
}

/**
 * The use is spent, and what came of it is not known, or the ledger has not heard. It is never run again: look at the
 * target (`shortId`, `idempotencyKey` were handed to it), then ask for a new action if it did not happen.
 */
export interface RunUnknown {
  readonly outcome: 'unknown';
  readonly code: 'OUTCOME_UNKNOWN';
  readonly useId: string;
  readonly shortId: string;
  /** What this executor knows by itself: `succeeded` or `failed` when only the report was not delivered. */
  readonly result: ExecutionResult['result'];
  /** `pending`: the next `run` of the same action, or `settle`, sends the very same report again. */
  readonly report: 'logged' | 'pending';
  /** What the callback threw. */
  readonly cause?: unknown;
}

export type RunResult = RunEnded | RunRefused | RunUnknown;
