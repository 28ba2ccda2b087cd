import type { Action } from '@countersign/descriptors';
import type { SubmitKind } from '@countersign/ledger';
import type { AttestationMade } from './simulated-maker.ts';

/** A sign-in at the company. */
interface SignInTruth {
  readonly person: string;
  /** In the group that policies ask for, when it was made. */
  readonly isIn: boolean;
  readonly madeMs: number;
  readonly key: string;
  /** That it was made for. */
  readonly invitation: string | undefined;
}

/** A chain of links that the company signed. */
export interface ChainTruth {
  /** On whose behalf. */
  readonly person: string;
  readonly digests: readonly string[];
  /** Whether it is what it says: signed, of one who is known, to this agent, each link within the one before. */
  readonly isSound: boolean;
  /** Whether its scope has what is asked for. */
  readonly allows: boolean;
  readonly endsMs: number;
  readonly key: string;
}

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
  /** By their tokens: what the company has not signed is not here. */
  readonly signIns = new Map<string, SignInTruth>();
  /** By the digests of the actions that they are for. */
  readonly chains = new Map<string, ChainTruth>();
  /** By the ids of the credentials that they are of. */
  readonly attested = new Map<string, AttestationMade>();
  /** Credential ids that a person really enrolled. */
  readonly enrolled = new Set<string>();
}

/** What one sends. */
export interface Frame {
  readonly kind: SubmitKind;
  readonly actionId: string;
  readonly bytes: Uint8Array;
}
