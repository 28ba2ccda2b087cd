import type { Digest } from '@countersign/canonical';
import type { RunLock } from '@countersign/sdk';

/** A call for which a human was asked. */
export interface CallRecord {
  readonly v: 'countersign.mcp-call.v1';
  readonly action_id: string;
  /** Of the client, the server, the tool as it is described, and the arguments. */
  readonly call: Digest;
  /** Canonical text of the action: asking for it again is the same request. */
  readonly action: string;
}

/**
 * Which calls were asked for and have not ended, so that a client which comes back finds its own.
 *
 * `create` MUST be durable when it resolves. `lock` MUST keep every other call and process from the record until it is
 * released or this process ends.
 */
export interface CallStore {
  /** Oldest first. */
  find(call: Digest): Promise<readonly CallRecord[]>;
  create(record: CallRecord): Promise<void>;
  remove(actionId: string): Promise<void>;
  /** `undefined` when somebody is at it. */
  lock(actionId: string): Promise<RunLock | undefined>;
}
