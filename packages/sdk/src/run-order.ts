import type { Digest, JsonObject } from '@countersign/canonical';
import type { ActionEnvelope, Chosen } from '@countersign/descriptors';
import type { LedgerClient } from './ledger-client.ts';
import type { SigningKey } from './signing-key.ts';

/** As much of a ledger as an executor needs. */
export type ExecutorLedger = Pick<LedgerClient, 'evidence' | 'submit'>;

/** Who runs: as it is enrolled in the ledger's authority. */
export interface ExecutorIdentity {
  readonly id: string;
  /** Where it runs things: an account, a host. A binding for another one is refused, EXECUTOR_MISMATCH. */
  readonly audience: string;
  readonly key: SigningKey;
  /** Digest of what it promises about how it runs things; another one is EXECUTOR_DESCRIPTOR_MISMATCH. */
  readonly interfaceDigest: Digest;
}

export interface RunOrder {
  /** The whole action that would be run: its canonical bytes, or the object. */
  readonly action: Uint8Array | JsonObject;
  /** The parameters that would be sent, when they come from elsewhere: they take the place of those in `action`. */
  readonly params?: JsonObject;
  /** An evidence file; fetched from the ledger unless given. */
  readonly evidence?: Uint8Array | string;
  /** Digests of the live state by name, read when this is called: one for each precondition of the action. */
  readonly preconditions: (action: ActionEnvelope) => Promise<Readonly<Record<string, Digest>>>;
  /**
   * What this use chooses within the bounds of its action, by their names: as `{ amount: '12.50' }`. A claim that was made
   * and not answered keeps what it has chosen, whatever stands here when it is made again.
   */
  readonly chosen?: Chosen;
  /**
   * Which item of a batch, as people see them numbered: from 1. `action` is the whole batch; `params` are those of the item, and
   * `preconditions` is asked with the item as the action that it is.
   */
  readonly item?: number;
  /** Tells apart the runs of a binding of several uses; `[a-z0-9-]{1,32}`, "1" unless given, and `item-` with its number for an item. */
  readonly name?: string;
}
