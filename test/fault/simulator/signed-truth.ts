import type { Action } from '@countersign/descriptors';
import type { SubmitKind } from '@countersign/ledger';

/**
 * What people, agents and executors really signed in a simulation. Whoever wants to know whether an entry is
 * forged asks here, and not the cryptography under test.
 */
export class SignedTruth {
  /** Digests of decision statements, with who signed them. */
  readonly statements = new Map<string, string>();
  /** Digests of actions, with the agent that asked for them. */
  readonly actions = new Map<string, string>();
  /** Batches that were asked for, by their digests. */
  readonly batches = new Map<string, Action>();
  /** Payload texts of claims, reports, findings and erasure orders, with whose key signed them. */
  readonly payloads = new Map<string, string>();
  /** Credential ids that a person really enrolled. */
  readonly enrolled = new Set<string>();
}

/** What one sends. */
export interface Frame {
  readonly kind: SubmitKind;
  readonly actionId: string;
  readonly bytes: Uint8Array;
}
