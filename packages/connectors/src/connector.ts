import { digestOf, type Digest, type Json, type JsonObject } from '@countersign/canonical';
import type { ConnectorErrorCode } from './connector-error.ts';

export type LiveState = Readonly<Record<string, Digest>>;

/** A use that was verified and claimed: the one permission to act, once. */
export interface VerifiedUse<Params> {
  /** Of the action that the evidence proves. They alone decide what is sent. */
  readonly params: Params;
  /** Digests of live state that were approved; what is read under the target's lock must still equal them. */
  readonly preconditions: LiveState;
  readonly useId: string;
  /** Who asked for it, for targets that record a source identity. */
  readonly agentId?: string;
  /** The file that proves the approval, for targets that keep one beside the effect. */
  readonly evidence?: Uint8Array;
  /** For people, and for the target's own record: `cs-` and ten characters of the use id. */
  readonly shortId: string;
  readonly idempotencyKey: string;
}

/** What an executor reports. `unknown` is an answer of its own: whoever reads it looks at the target, and never runs it again. */
export interface Effect {
  readonly result: 'succeeded' | 'failed' | 'unknown';
  /** The target's own name for what was changed. */
  readonly targetRef: string;
  readonly beforeDigest?: Digest;
  readonly afterDigest?: Digest;
  /** Why it did not succeed: for the executor's own log. */
  readonly code?: ConnectorErrorCode | 'NOT_SENT' | 'OUTCOME_UNKNOWN';
}

/**
 * Changes one kind of target, between the claim of a use and its report.
 *
 * - What is read is read now. State that differs from what was approved is refused before the target is touched.
 * - One idempotency key has one effect, however often and from however many processes it is executed.
 * - `execute` MUST NOT throw: a rejected promise could be taken for "nothing happened".
 * - The target itself keeps the short id, or sixteen characters of the use id that end with the same ten.
 */
export interface Connector<Params> {
  readonly type: string;
  /** The document whose digest is the executor's interface digest. */
  readonly interface: JsonObject;
  preconditions(params: Params): Promise<LiveState>;
  execute(use: VerifiedUse<Params>): Promise<Effect>;
}

/** As much of an action as a connector reads before the use is claimed. */
export interface ApprovedAction {
  readonly action_id: string;
  readonly type: string;
  readonly type_version: number;
  readonly agent: { readonly id: string };
  readonly params: unknown;
  readonly preconditions: readonly { readonly name: string; readonly digest: Digest }[];
}

/** What a guard calls: the state before the claim, and the effect after it. */
export interface GuardedCalls {
  preconditions(action: ApprovedAction): Promise<LiveState>;
  execute(
    verified: Omit<VerifiedUse<unknown>, 'preconditions'> & { readonly actionId: string },
  ): Promise<Effect>;
}

/** Of every type that there is a connector for. */
const TYPE_VERSION = 1;

/**
 * One run of a connector in a guard, which verifies the evidence and the schema of the parameters, and claims the use.
 * @param evidence the file, where the target is to keep it
 *
 * @example
 * const calls = guardedCalls(connector);
 * await guard.run({ action, preconditions: calls.preconditions }, calls.execute);
 */
export function guardedCalls<Params>(
  connector: Connector<Params>,
  evidence?: Uint8Array,
): GuardedCalls {
  // By action: several may be under way at once, but of one batch a single item.
  const approved = new Map<string, { agentId: string; preconditions: LiveState }>();
  return {
    async preconditions(action) {
      const named = action.preconditions.map(({ name, digest }) => [name, digest] as const);
      if (action.type === connector.type && action.type_version === TYPE_VERSION) {
        const preconditions = Object.fromEntries(named);
        approved.set(action.action_id, { agentId: action.agent.id, preconditions });
      }
      return connector.preconditions(action.params as Params);
    },
    async execute(verified) {
      const { actionId, ...use } = verified;
      const known = approved.get(actionId);
      approved.delete(actionId);
      if (known === undefined) {
        return { result: 'failed', targetRef: connector.type, code: 'NOT_SUPPORTED' };
      }
      return connector.execute({
        ...use,
        params: use.params as Params,
        ...known,
        ...(evidence !== undefined && { evidence }),
      });
    },
  };
}

/** Digest of a piece of live state, as an action's `preconditions` name it. */
export function stateDigest(state: Json): Digest {
  return digestOf('countersign/precondition/v1', state);
}

const REFERENCE_CHARACTERS = 16;

/** The random part of a use id: what fits in the record of a bank or of an audit log, and ends as the short id does. */
export function useReference(useId: string): string {
  return useId.slice(-REFERENCE_CHARACTERS);
}
