import type { Broker } from '@countersign/broker';
import type { Assignment, GroupMember } from '@countersign/broker-kafka';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import type { RouterOptions, RouterPositions } from '@countersign/ledger';
import { openSqliteStore, type ReadModels, type StoreSignal } from '@countersign/store';
import type { NoteSigner } from '@countersign/tlog';
import { cliError } from './cli-error.ts';
import { parseClusterConfig } from './cluster-config.ts';
import type { CliContext } from './context.ts';
import { readIfThere, type DataFolder, type LedgerMark } from './data-folder.ts';
import { createLogKey } from './data-keys.ts';
import { DiskRoom } from './disk-room.ts';
import { openLogSigners } from './log-keys.ts';
import { filePositions } from './router-positions.ts';

/** What the ledger of a data folder runs on. */
export interface Backends {
  readonly openBroker: () => Promise<Broker>;
  /** Makes the key of a new log where that is ours to make. */
  readonly createLogKey: () => Promise<void>;
  /** One; while the keys of the log change, more. */
  readonly openSigners: () => Promise<readonly NoteSigner[]>;
  readonly openStore: () => Promise<ReadModels>;
  /** The same, which tells what other processes change; absent where there can be no other. */
  readonly openSharedStore?: () => Promise<ReadModels & StoreSignal>;
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

/** @throws CliError DATA_DAMAGED, CONFIG_INVALID, FILE_UNREADABLE */
export async function backendsOf(
  folder: DataFolder,
  mark: LedgerMark,
  context: BackendsContext,
): Promise<Backends> {
  if (mark.tier === undefined) return fileBackends(folder, mark, context);
  const text = await readIfThere(folder.clusterFile);
  if (text === undefined) {
    throw cliError('DATA_DAMAGED', `expected ${folder.clusterFile}, found none`, {
      hint: 'put it there with `countersign init --cluster FILE`',
    });
  }
  const config = parseClusterConfig(text, folder.clusterFile);
  // Whoever runs a ledger of files need not wait for the clients of a cluster to load.
  const { clusterBackends } = await import('./cluster-backends.ts');
  return clusterBackends(config, { mark, context });
}

function fileBackends(folder: DataFolder, mark: LedgerMark, { nowMs }: BackendsContext): Backends {
  return {
    openBroker: () => openSqliteBroker({ path: folder.brokerFile, clock: nowMs }),
    createLogKey: () => createLogKey(folder),
    openSigners: () => openLogSigners(folder, mark.origin),
    openStore: () => openSqliteStore(folder.storeFile),
    routing: { positions: filePositions(folder.positionsFile), close: () => undefined },
    heldFiles: [folder.brokerFile, folder.storeFile],
    room: () => DiskRoom.of(folder.path),
    topics: folder.brokerFile,
  };
}
