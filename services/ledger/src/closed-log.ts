import type { Broker, StoredRecord } from '@countersign/broker';
import type { VerifySignature } from '@countersign/canonical';
import {
  LedgerError,
  LogReader,
  type LogEvent,
  type LogReaderOptions,
} from '@countersign/log-reader';
import { acceptedEntry } from './accepted-entry.ts';
import { contentKey } from './intake-input.ts';
import type { Patience } from './patience.ts';

const READ_RECORDS = 2_000;

/** One log, wherever it is read. */
export interface LogOfLedger {
  readonly broker: Broker;
  readonly patience: Patience;
  readonly origin: string;
  /** Those that it was founded with. */
  readonly logKeys: readonly string[];
  readonly verifySignature: VerifySignature;
}

/** A log that has ended in the partition where it was read. */
export interface ClosedLog {
  readonly partition: number;
  readonly movedTo: number;
  readonly size: number;
  readonly root: Uint8Array;
  /** What comes from there on in the old intake, the log has not decided. */
  readonly intakeOffset: number;
  /** Keys of content that the log says is erased. */
  readonly erased: ReadonlySet<string>;
}

export type TakeRecords = (
  records: readonly StoredRecord[],
  /** What each of them is to the log. */
  events: readonly (LogEvent | undefined)[],
) => void | Promise<void>;

/** Reads a log to the end of a partition. @throws LedgerError EQUIVOCATION, LOG_ROLLBACK, LOG_CORRUPT */
export async function readLog(
  log: LogOfLedger & Pick<LogReaderOptions, 'pinned'>,
  partition: number,
  take: TakeRecords,
): Promise<LogReader> {
  const { broker, patience, origin, logKeys, verifySignature, pinned } = log;
  const reader = new LogReader({
    ...{ origin, logKeys, verifySignature, partition },
    ...(pinned !== undefined && { pinned }),
  });
  for (;;) {
    const records = await patience.read(() =>
      broker.read({ topic: 'log', partition }, reader.nextOffset, READ_RECORDS),
    );
    if (records.length === 0) return reader;
    const events: (LogEvent | undefined)[] = [];
    for (const record of records) events.push(await reader.read(record));
    await take(records, events);
  }
}

/**
 * The log of a partition as it was left; undefined while it has not moved from there.
 *
 * @throws LedgerError NOT_FOUNDED, NOT_SEALED, and as readLog
 */
export async function readClosed(
  log: LogOfLedger & Pick<LogReaderOptions, 'pinned'>,
  partition: number,
): Promise<ClosedLog | undefined> {
  const erased = new Set<string>();
  const reader = await readLog(log, partition, (_, events) => {
    for (const event of events) for (const key of erasedIn(event)) erased.add(key);
  });
  const { head, movedTo, sealedSize } = reader;
  if (head.size === 0) {
    throw new LedgerError('NOT_FOUNDED', `expected the log of ${log.origin} on shard ${partition}`);
  }
  if (movedTo === undefined) return undefined;
  if (sealedSize < head.size) {
    throw new LedgerError(
      'NOT_SEALED',
      `expected a signed head of ${head.size} on shard ${partition}`,
    );
  }
  const { size, root, intakeOffset } = head;
  return { partition, movedTo, size, root, intakeOffset, erased };
}

function erasedIn(event: LogEvent | undefined): string[] {
  if (event?.kind !== 'batch') return [];
  return event.entries.flatMap(({ bytes, index }) => {
    const entry = acceptedEntry(bytes, index);
    return entry.type === 'content-erased' ? [contentKey(entry.tenant, entry.action_id)] : [];
  });
}
