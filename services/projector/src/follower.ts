import {
  BrokerError,
  type Broker,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';

const READ_RECORDS_MAX = 2_000;
/** How long one wait for records lasts; only a stop has to wait for its end. */
const IDLE_WAIT_MS = 500;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 5_000;

export interface FollowerClock {
  sleep(ms: number): Promise<void>;
}

export interface FollowedTopic {
  readonly broker: Broker;
  readonly clock: FollowerClock;
  readonly tp: TopicPartition;
  readonly isStopped: () => boolean;
  /** Called with what came from an offset on, in order; answers where to go on. */
  readonly take: (records: readonly StoredRecord[], from: number) => Promise<number>;
}

/** Reads a partition for ever from an offset on. Reading has no effect, so every broken read is tried again. */
export async function follow(topic: FollowedTopic, fromOffset: number): Promise<void> {
  const { broker, clock, tp } = topic;
  let next = fromOffset;
  let backoffMs = BACKOFF_FIRST_MS;
  while (!topic.isStopped()) {
    let records: StoredRecord[];
    try {
      const hasMore = await broker.waitBeyond(tp, next, IDLE_WAIT_MS);
      records = hasMore ? await broker.read(tp, next, READ_RECORDS_MAX) : [];
      backoffMs = BACKOFF_FIRST_MS;
    } catch (error) {
      if (topic.isStopped()) return;
      if (!(error instanceof BrokerError) || error.kind === 'fatal') throw error;
      await clock.sleep(backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      continue;
    }
    if (records.length > 0) next = await topic.take(records, next);
  }
}
