import type { KafkaNode } from 'kafkajs/src/cluster/index.js';
import request from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import { KafkaFailure } from './kafka-failure.ts';

/** A consumer, no follower. */
const REPLICA_ID = -1;
/** Everything that all replicas in sync hold: a transaction that nobody ends must not stop the readers of a partition. */
const READ_UNCOMMITTED = 0;
const LATEST = -1;
const EARLIEST = -2;

const NONE = 0;
const OFFSET_OUT_OF_RANGE = 1;
const FAILURES: Readonly<Record<number, string>> = {
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  6: 'NOT_LEADER_FOR_PARTITION',
  29: 'TOPIC_AUTHORIZATION_FAILED',
};

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

export interface FetchFrom extends PartitionName {
  readonly offset: number;
  readonly maxBytes: number;
  /** How long the node waits for a first record. 0: not at all. */
  readonly waitMs: number;
}

/** `undefined` records: the offset is outside of the partition. */
export interface Fetched {
  readonly end: number;
  readonly records: Buffer | undefined;
}

/** What a node holds of a partition from an offset on, as its bytes are stored. */
export async function fetchFrom(node: KafkaNode, from: FetchFrom): Promise<Fetched> {
  const { topic, partition, offset, maxBytes, waitMs } = from;
  const { errorCode, end, records } = await node.connectionPool.send({
    request: request({
      replicaId: REPLICA_ID,
      maxWaitTime: waitMs,
      minBytes: waitMs === 0 ? 0 : 1,
      maxBytes,
      isolationLevel: READ_UNCOMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset: offset, maxBytes }] }],
    }),
    response: { decode, parse: (fetched: FetchedPartition) => Promise.resolve(fetched) },
  });
  if (errorCode === OFFSET_OUT_OF_RANGE) return { end, records: undefined };
  if (errorCode !== NONE) throw new KafkaFailure(FAILURES[errorCode] ?? `ERROR_${errorCode}`);
  return { end, records };
}

export async function startOf(node: KafkaNode, name: PartitionName): Promise<number> {
  return listedOffset(node, name, EARLIEST);
}

export async function endOf(node: KafkaNode, name: PartitionName): Promise<number> {
  return listedOffset(node, name, LATEST);
}

async function listedOffset(
  node: KafkaNode,
  { topic, partition }: PartitionName,
  timestamp: number,
): Promise<number> {
  const { responses } = await node.listOffsets({
    replicaId: REPLICA_ID,
    isolationLevel: READ_UNCOMMITTED,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  const offset = Number(responses[0]?.partitions[0]?.offset);
  if (!Number.isSafeInteger(offset)) throw new KafkaFailure('OFFSET_NOT_AVAILABLE');
  return offset;
}

interface FetchedPartition {
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly end: number;
  readonly records: Buffer;
}

/**
 * Fetch Response (Version: 11), of one partition: throttle_time_ms INT32, error_code INT16, session_id INT32, [topic STRING,
 * [partition INT32, error_code INT16, high_watermark INT64, last_stable_offset INT64, log_start_offset INT64,
 * aborted [producer_id INT64, first_offset INT64], preferred_read_replica INT32, records BYTES]]
 */
function decode(payload: Buffer): Promise<FetchedPartition> {
  const clientSideThrottleTime = payload.readInt32BE(0);
  const failed = payload.readInt16BE(4);
  if (failed !== NONE || payload.readInt32BE(10) !== 1) {
    return Promise.resolve({ clientSideThrottleTime, errorCode: failed || -1, ...NOTHING });
  }
  const partitionAt = 14 + 2 + payload.readInt16BE(14) + 4;
  const errorCode = payload.readInt16BE(partitionAt + 4);
  const end = Number(payload.readBigInt64BE(partitionAt + 6));
  const aborted = Math.max(0, payload.readInt32BE(partitionAt + 30));
  const sizeAt = partitionAt + 34 + aborted * 16 + 4;
  const size = Math.max(0, payload.readInt32BE(sizeAt));
  const records = payload.subarray(sizeAt + 4, sizeAt + 4 + size);
  return Promise.resolve({ clientSideThrottleTime, errorCode, end, records });
}

const NOTHING = { end: 0, records: Buffer.alloc(0) };
