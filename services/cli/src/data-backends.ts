import { openSqliteBroker } from '@countersign/broker-sqlite';
import { openSqliteStore } from '@countersign/store';
import type { Backends, BackendsContext } from './backends.ts';
import { cliError } from './cli-error.ts';
import { parseClusterConfig } from './cluster-config.ts';
import { readIfThere, type DataFolder, type LedgerMark } from './data-folder.ts';
import { createLogKey } from './data-keys.ts';
import { DiskRoom } from './disk-room.ts';
import { openLogSigners } from './log-keys.ts';
import { filePositions } from './router-positions.ts';

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
  return backendsIn(text, folder, { mark, context });
}

/** Those that this text of a cluster.json names. @throws CliError CONFIG_INVALID, FILE_UNREADABLE */
export async function backendsIn(
  text: string,
  { clusterFile }: DataFolder,
  at: { readonly mark: LedgerMark; readonly context: BackendsContext },
): Promise<Backends> {
  const config = parseClusterConfig(text, clusterFile);
  // Whoever runs a ledger of files need not wait for the clients of a cluster to load.
  const { clusterBackends } = await import('./cluster-backends.ts');
  return clusterBackends(config, at);
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
