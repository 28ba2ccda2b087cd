import {
  BrokerError,
  type Broker,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import { StoreError, type StoreErrorCode } from '@countersign/store';

const READ_RECORDS_MAX = 2_000;
/** How long one wait for records lasts; only a stop has to wait for its end. */
const IDLE_WAIT_MS = 500;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 5_000;
/** Of a store, which people wait for: it is asked again sooner. */
const STORE_BACKOFF_MAX_MS = 1_000;

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
  /** Called when nothing came for a while. */
  readonly onIdle: () => void;
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
    else topic.onIdle();
  }
}

export interface FollowedStore {
  readonly clock: FollowerClock;
  readonly isStopped: () => boolean;
  /** Goes on from where the store stands, until it is stopped or fails. */
  readonly goOn: () => Promise<void>;
  readonly onAway: (code: StoreErrorCode) => void;
  /** The store has answered that somebody else was faster: it is there, though this one may store nothing for long. */
  readonly onOvertaken: () => void;
}

/**
 * Goes on from where the store stands each time that it was away, or that somebody else was faster: what became of the
 * last change set, the store's position tells.
 */
export async function followIntoStore({
  clock,
  isStopped,
  goOn,
  onAway,
  onOvertaken,
}: FollowedStore): Promise<void> {
  let backoffMs = BACKOFF_FIRST_MS;
  while (!isStopped()) {
    const code = await failureOf(goOn);
    if (code === undefined || isStopped()) return;
    if (code === 'STORE_MOVED') {
      backoffMs = BACKOFF_FIRST_MS;
      onOvertaken();
      continue;
    }
    onAway(code);
    await clock.sleep(backoffMs);
    backoffMs = Math.min(backoffMs * 2, STORE_BACKOFF_MAX_MS);
  }
}

async function failureOf(goOn: () => Promise<void>): Promise<StoreErrorCode | undefined> {
  try {
    await goOn();
    return undefined;
  } catch (error) {
    const isPassing =
      error instanceof StoreError &&
      (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_MOVED');
    if (!isPassing) throw error;
    return error.code;
  }
}
