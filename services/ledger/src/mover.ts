import {
  splitForAppend,
  type NewRecord,
  type StoredRecord,
  type TopicPartition,
} from '@countersign/broker';
import { equalBytes } from '@countersign/canonical';
import { LedgerError, type LogEvent, type LogReader } from '@countersign/log-reader';
import { WireError, decodeLogRecord, isBindingSealed, type LogRecord } from '@countersign/wire';
import { copiedBatchKey } from './batch-key.ts';
import { readLog, type ClosedLog, type LogOfLedger } from './closed-log.ts';
import { leftInput } from './left-intake.ts';
import type { RouterPositions } from './router.ts';

const READ_RECORDS = 1_000;

export interface MoveOptions extends LogOfLedger {
  readonly tenant: string;
  /** How far content and inputs were copied. They MAY be lost: what was copied is then copied again. */
  readonly positions: RouterPositions;
}

export interface Moved {
  /** Nothing was left to do. */
  readonly wasComplete: boolean;
  readonly content: number;
  readonly inputs: number;
  readonly logRecords: number;
}

/**
 * Brings a log that was closed by a move to its new partition, with all that belongs to it.
 *
 * Crash story: content, then inputs, then the log in its order, so that the batch which moves it and its checkpoint come last:
 * until they are there, no writer begins. Stopping anywhere leaves copies that count for nothing by themselves. The next
 * run, or another one beside this, goes on with the head that the new partition has; whatever is there twice is accepted once,
 * answered once, or compacted away. Nothing of the old partition is changed.
 *
 * @throws LedgerError SHARD_TAKEN, LOG_CORRUPT, and as readClosed; BrokerError of kind fatal
 */
export async function completeMove(options: MoveOptions, closed: ClosedLog): Promise<Moved> {
  const there = await readArrived(options, closed);
  if (isComplete(there, closed)) {
    return { wasComplete: true, content: 0, inputs: 0, logRecords: 0 };
  }
  const content = await copyOn(options, {
    from: { topic: 'content', partition: closed.partition },
    to: { topic: 'content', partition: closed.movedTo },
    start: 0,
    copyOf: (record) => liveContent(record, closed),
  });
  const inputs = await copyOn(options, {
    from: { topic: 'intake', partition: closed.partition },
    to: { topic: 'intake', partition: closed.movedTo },
    start: closed.intakeOffset,
    copyOf: (record) => leftInput(record, options.tenant),
  });
  const logRecords = await copyLog(options, closed, there);
  if (!isComplete(await readArrived(options, closed), closed)) {
    throw new LedgerError(
      'LOG_CORRUPT',
      `expected shard ${closed.movedTo} to hold what was copied`,
    );
  }
  return { wasComplete: false, content, inputs, logRecords };
}

/**
 * Takes a partition for a log that is to move there, by the first batch of it: whoever founds or moves another one sees that it is
 * taken. Without it the log could end here, and have nowhere to go.
 *
 * Crash story: the append is the only step, and may be there twice. A partition that was taken for nothing stays taken.
 *
 * @throws LedgerError SHARD_TAKEN when there is another log, or this one was there and has left
 */
export async function takeShard(
  options: LogOfLedger,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const { broker, patience } = options;
  const there = await readArrived(options, { movedTo: to });
  if (there.movedTo !== undefined) {
    throw new LedgerError('SHARD_TAKEN', `expected a shard that the log never left, got ${to}`);
  }
  if (there.head.size > 0) return;
  let founding: NewRecord | undefined;
  await readLog(options, from, (records, events) => {
    const at = events.findIndex((event) => event?.kind === 'batch');
    const record = records[at];
    if (record !== undefined) founding ??= copyOfLog(record, events[at]);
  });
  const copies = founding === undefined ? [] : [founding];
  await patience.appendRepeatable(() => broker.append({ topic: 'log', partition: to }, copies));
  await readArrived(options, { movedTo: to });
}

/**
 * The log as it is in the partition to which it moves.
 *
 * @throws LedgerError SHARD_TAKEN when another one began there first
 */
async function readArrived(
  log: LogOfLedger,
  { movedTo: partition }: Pick<ClosedLog, 'movedTo'>,
): Promise<LogReader> {
  let first: string | undefined;
  const reader = await readLog(log, partition, (records) => {
    for (const { value } of records) first ??= foundedOrigin(value);
  });
  if (first === undefined || first === log.origin) return reader;
  throw new LedgerError(
    'SHARD_TAKEN',
    `expected shard ${partition} to be free, got ${first} on it`,
  );
}

function foundedOrigin(value: Uint8Array | null): string | undefined {
  const record = value === null ? undefined : logRecordIn(value);
  return record?.kind === 'batch' && record.sizeBefore === 0 ? record.origin : undefined;
}

function logRecordIn(value: Uint8Array): LogRecord | undefined {
  try {
    return decodeLogRecord(value);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function isComplete(there: LogReader, { size }: ClosedLog): boolean {
  return there.sealedSize >= size;
}

interface Copying {
  readonly from: TopicPartition;
  readonly to: TopicPartition;
  /** Nothing before it is copied. */
  readonly start: number;
  readonly copyOf: (record: StoredRecord) => NewRecord | undefined;
}

/** Copies what is there when it comes to the end, in its order. */
async function copyOn(
  { broker, patience, positions }: MoveOptions,
  { from, to, start, copyOf }: Copying,
): Promise<number> {
  const end = await patience.read(() => broker.end(from));
  const kept = await patience.read(() => positions.load(from));
  let next = kept <= end ? Math.max(start, kept) : start;
  let copied = 0;
  while (next < end) {
    const records = await patience.read(() => broker.read(from, next, READ_RECORDS));
    const copies = records.flatMap((record) => copyOf(record) ?? []);
    for (const run of splitForAppend(copies)) {
      await patience.appendRepeatable(() => broker.append(to, run));
    }
    copied += copies.length;
    next = (records.at(-1)?.offset ?? end - 1) + 1;
    // Stopping before this: the same records are copied again.
    await patience.read(() => positions.save(from, next));
  }
  return copied;
}

function liveContent(
  { key, value, headers }: StoredRecord,
  { erased }: ClosedLog,
): NewRecord | undefined {
  if (value === null || erased.has(key)) return undefined;
  return { key, value, ...(headers !== undefined && { headers }) };
}

/** What the new partition lacks of the log: values as they are, in their order, and nothing that is not the log's. */
async function copyLog(options: MoveOptions, closed: ClosedLog, there: LogReader): Promise<number> {
  const { broker, patience } = options;
  const { head, sealedSize } = there;
  const to: TopicPartition = { topic: 'log', partition: closed.movedTo };
  let copied = 0;
  let isSealed = false;
  await readLog(options, closed.partition, async (records, events) => {
    const copies: NewRecord[] = [];
    for (const [at, record] of records.entries()) {
      const event = events[at];
      if (event?.kind === 'batch') assertSame(event, there);
      if (!isSealed && isLacking(record, event, { size: head.size, sealedSize })) {
        copies.push(copyOfLog(record, event));
      }
      if (event?.kind === 'sealed' && event.size === closed.size) isSealed = true;
    }
    for (const run of splitForAppend(copies)) {
      await patience.appendRepeatable(() => broker.append(to, run));
    }
    copied += copies.length;
  });
  return copied;
}

/** That what the new partition has is the beginning of this log. */
function assertSame(
  { sizeAfter, rootAfter }: Extract<LogEvent, { kind: 'batch' }>,
  { head }: LogReader,
): void {
  if (sizeAfter !== head.size || equalBytes(rootAfter, head.root)) return;
  throw new LedgerError('LOG_CORRUPT', `expected the same log of size ${sizeAfter} on both shards`);
}

function isLacking(
  { value }: StoredRecord,
  event: LogEvent | undefined,
  there: { readonly size: number; readonly sealedSize: number },
): boolean {
  switch (event?.kind) {
    case 'batch':
      return event.sizeAfter > there.size;
    case 'sealed':
      return event.size > there.sealedSize;
    case undefined: {
      const binding = value !== null && isBindingSealed(value) ? logRecordIn(value) : undefined;
      return binding?.kind === 'binding' && binding.index >= there.sealedSize;
    }
  }
}

function copyOfLog({ key, value, headers }: StoredRecord, event: LogEvent | undefined): NewRecord {
  return {
    key: event?.kind === 'batch' ? copiedBatchKey(event.sizeBefore) : key,
    value: value ?? new Uint8Array(),
    ...(headers !== undefined && { headers }),
  };
}
