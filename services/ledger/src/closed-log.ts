import { authorityFromGenesis, boundChangeIn, homeOf } from '@countersign/binding';
import type { Broker, StoredRecord } from '@countersign/broker';
import type { VerifySignature } from '@countersign/canonical';
import {
  LedgerError,
  LogReader,
  type AcceptedBatch,
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

/** A log that goes on in the partition where it was read, or is a copy there. */
export interface OpenLog {
  readonly movedTo: undefined;
  /** Where it says that it lives. */
  readonly home: number | undefined;
}

/**
 * What the log says in a partition of where it is.
 *
 * @throws LedgerError NOT_FOUNDED, NOT_SEALED, and as readLog
 */
export async function readPlace(
  log: LogOfLedger & Pick<LogReaderOptions, 'pinned'>,
  partition: number,
): Promise<ClosedLog | OpenLog> {
  const said = new Said();
  const reader = await readLog(log, partition, (_, events) => {
    for (const event of events) if (event?.kind === 'batch') said.take(event);
  });
  const { head, movedTo, sealedSize } = reader;
  const { home, erased } = said;
  if (head.size === 0) {
    throw new LedgerError('NOT_FOUNDED', `expected the log of ${log.origin} on shard ${partition}`);
  }
  if (movedTo === undefined) return { movedTo, home };
  if (sealedSize < head.size) {
    throw new LedgerError(
      'NOT_SEALED',
      `expected a signed head of ${head.size} on shard ${partition}`,
    );
  }
  const { size, root, intakeOffset } = head;
  return { partition, movedTo, size, root, intakeOffset, erased };
}

/** What of the entries of a log is needed to bring it elsewhere. */
class Said {
  readonly erased = new Set<string>();
  home: number | undefined;

  take({ entries }: AcceptedBatch): void {
    for (const { bytes, index } of entries) {
      const entry = acceptedEntry(bytes, index);
      if (entry.type === 'content-erased') {
        this.erased.add(contentKey(entry.tenant, entry.action_id));
      } else if (entry.type === 'ledger-founded') {
        this.home = homeOf(authorityFromGenesis(entry));
      } else if (entry.type === 'authority-changed') {
        const change = boundChangeIn(bytes);
        if (change?.kind === 'home-moved') this.home = change.to;
      }
    }
  }
}
