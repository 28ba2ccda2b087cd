import type { Broker } from '@countersign/broker';
import type { Assignment, GroupMember } from '@countersign/broker-kafka';
import type { RouterOptions, RouterPositions } from '@countersign/ledger';
import type { ReadModels, StoreSignal } from '@countersign/store';
import type { NoteSigner } from '@countersign/tlog';
import type { CliContext } from './context.ts';
import type { DiskRoom } from './disk-room.ts';

/** A signer of the log; one that is somewhere else can be asked whether it is there. */
export interface LogSigner extends NoteSigner {
  /** @throws SignerError */
  readonly check?: () => Promise<void>;
}

/** What the ledger of a data folder runs on. */
export interface Backends {
  readonly openBroker: () => Promise<Broker>;
  /** Makes the key of a new log where that is ours to make. */
  readonly createLogKey: () => Promise<void>;
  /** One; while the keys of the log change, more. */
  readonly openSigners: () => Promise<readonly LogSigner[]>;
  readonly openStore: () => Promise<ReadModels>;
  /** The same, which tells what other processes change; absent where there can be no other. */
  readonly openSharedStore?: () => Promise<ReadModels & StoreSignal>;
  /** That it lets us in, without making it; absent where it is a file of ours. */
  readonly checkStore?: () => Promise<void>;
  /** How many shards there can be now; absent where there is one. */
  readonly shardCount?: () => Promise<number>;
  readonly routing: Routing;
  /** Files that have to stay where they are while they are open. */
  readonly heldFiles: readonly string[];
  readonly room: () => DiskRoom;
  /** The same for ledgers whose topics are the same. */
  readonly topics: string;
  /** Shares the shards with other processes; absent where there can be no other. */
  readonly group?: {
    readonly join: (onAssigned: (assignment: Assignment) => void) => Promise<GroupMember>;
    /** How many processes share them now. */
    readonly size: () => Promise<number>;
  };
}

/** How far the public topics were moved, and how many partitions they have. */
export interface Routing {
  readonly positions: RouterPositions;
  readonly publicPartitions?: Exclude<RouterOptions['publicPartitions'], undefined | 'assigned'>;
  readonly close: () => void;
}

export type BackendsContext = Pick<CliContext, 'env' | 'nowMs'>;
