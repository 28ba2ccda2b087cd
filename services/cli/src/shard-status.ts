import type { Writer, WriterCounts } from '@countersign/ledger';

export interface ShardStatus {
  readonly tenant: string;
  readonly shard: number;
  /** `idle`: the work is another process's. */
  readonly state: Writer['status']['state'] | 'idle';
  readonly code?: string;
  /** With which code the signer last said, while there was nothing to sign, that it is away. */
  readonly signerAway?: string;
  readonly sealedSize: number;
  readonly acceptedSize: number;
  readonly intakeOffset: number;
  /** Where the intake ended when it was last looked at. */
  readonly intakeEnd?: number;
  readonly counts?: WriterCounts;
}
