export {
  assertErasable,
  ERASABLE_TOPICS,
  type Appended,
  type Broker,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from './broker.ts';
export { BrokerError, type BrokerErrorCode, type BrokerErrorKind } from './broker-error.ts';
export { EndWaiters, partitionKey } from './end-waiters.ts';
export { MemoryBroker, MemoryDisk, type MemoryBrokerOptions } from './memory-broker.ts';
export {
  headersOf,
  MAX_HEADERS,
  MAX_HEADER_BYTES,
  ownHeaders,
  type RecordHeaders,
} from './record-headers.ts';
export {
  appendCostBytes,
  assertAppendable,
  assertReadable,
  MAX_APPEND_BYTES,
  MAX_KEY_BYTES,
  MAX_READ_BYTES,
  MAX_READ_RECORDS,
  MAX_RECORD_BYTES,
  MAX_RECORDS_PER_APPEND,
  splitForAppend,
} from './record-limits.ts';
