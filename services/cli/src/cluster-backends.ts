import {
  groupSize,
  joinGroup,
  kafkaRouterHome,
  openKafkaBroker,
  type KafkaBrokerOptions,
} from '@countersign/broker-kafka';
import { PUBLIC_TOPICS } from '@countersign/ledger';
import { kmsClient, openKmsSigner } from '@countersign/signer-kms';
import { openSqliteStore } from '@countersign/store';
import type { Backends, BackendsContext } from './backends.ts';
import type { ClusterConfig } from './cluster-config.ts';
import type { DataFolder, LedgerMark } from './data-folder.ts';
import { DiskRoom } from './disk-room.ts';

export { checkTopics, createTopics } from '@countersign/broker-kafka';

const LEDGER_GROUP = 'ledger';
const DEFAULT_PREFIX = 'countersign.';

interface Where {
  readonly folder: DataFolder;
  readonly mark: LedgerMark;
  readonly context: BackendsContext;
}

/** Topics and log on Kafka, the key in AWS KMS, read models in PostgreSQL. */
export function clusterBackends(config: ClusterConfig, { folder, mark }: Where): Backends {
  const { kafka, kms } = config;
  const home = kafkaRouterHome(kafkaOptions(config));
  const group = { ...kafkaOptions(config), name: LEDGER_GROUP };
  return {
    openBroker: () => openKafkaBroker(kafkaOptions(config)),
    // The key is its owner's to make, in KMS: deploy/kms.
    createLogKey: () => Promise.resolve(),
    openSigner: () => {
      const { key_id: keyId, region, endpoint } = kms;
      const client = kmsClient({ region, ...(endpoint !== undefined && { endpoint }) });
      return openKmsSigner({ keyId, name: mark.origin, client });
    },
    openStore: () => openSqliteStore(folder.storeFile),
    routing: {
      positions: home,
      publicPartitions: (topic) => home.partitionsOf(topic),
      close: () => {
        home.close();
      },
    },
    heldFiles: [],
    // What the broker's disks hold, the broker says.
    room: () => new DiskRoom(() => Promise.resolve(Infinity)),
    topics: JSON.stringify([kafka.brokers, kafka.prefix ?? DEFAULT_PREFIX]),
    group: {
      join: (onAssigned) =>
        joinGroup({ ...group, topics: ['intake', ...PUBLIC_TOPICS], onAssigned }),
      size: () => groupSize(group),
    },
  };
}

export function kafkaOptions({ kafka }: ClusterConfig): KafkaBrokerOptions {
  return { brokers: kafka.brokers, prefix: kafka.prefix ?? DEFAULT_PREFIX };
}
