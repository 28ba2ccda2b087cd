import type { Broker } from '@countersign/broker';
import type { Backends } from './backends.ts';
import { CliError, cliError } from './cli-error.ts';
import { placeOf } from './data-error.ts';
import type { DataFolder, LedgerMark } from './data-folder.ts';

const FIRST_RECORDS = 100;
export const RESTORE = 'restore the topics from a backup; nothing in them was changed';

/** A data folder whose topics are open. */
export interface Opened {
  readonly folder: DataFolder;
  readonly mark: LedgerMark;
  readonly backends: Backends;
  readonly broker: Broker;
}

/** Else it would be waited for, as for a broker that is away. @throws CliError CONFIG_INVALID */
export async function assertShard({ mark, backends }: Opened): Promise<void> {
  const count = await backends.shardCount?.();
  if (count === undefined || mark.shard < count) return;
  const shards = count === 1 ? '0' : `0 to ${count - 1}`;
  throw cliError(
    'CONFIG_INVALID',
    `shard ${mark.shard}: expected one of the ${count} partitions of the topics, ${shards}`,
    {
      hint:
        'choose another --shard, or add partitions to every topic of the prefix: ' +
        `kafka-topics.sh --alter --topic … --partitions ${mark.shard + 1}`,
    },
  );
}

/** Says early, and in plain words, that the topics belong to another ledger; the writer then checks every byte. */
export async function assertOwnLog(opened: Opened): Promise<void> {
  const { broker, mark } = opened;
  const { brokerFile, tier } = placeOf(opened);
  const records = await broker.read({ topic: 'log', partition: mark.shard }, 0, FIRST_RECORDS);
  if (records[0]?.offset !== 0 || records.every(({ value }) => value === null)) {
    throw new CliError('LOG_ROLLBACK', `${brokerFile}: the log has lost its beginning`, {
      hint: RESTORE,
    });
  }
  // Every batch names its log in plain text; no more than that is looked for here.
  const isOurs = records.some(({ value }) => Buffer.from(value ?? []).includes(mark.origin));
  if (isOurs) return;
  const message = `${brokerFile}: expected the log of ${mark.origin}, got that of another ledger`;
  throw new CliError('FOREIGN_LEDGER', message, {
    hint:
      tier === undefined
        ? 'choose with --data the folder of that ledger, or another folder'
        : 'choose another --shard or another kafka.prefix for a new ledger, or with --data the folder of the one that is there',
  });
}
