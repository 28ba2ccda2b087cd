import {
  encodeEntry,
  leafOf,
  parseEntry,
  type Entry,
  type Leaf,
  type LedgerFounded,
} from '@countersign/binding';
import type { Broker, TopicPartition } from '@countersign/broker';
import type { VerifySignature } from '@countersign/canonical';
import { LedgerError, LogReader, type AcceptedEntry } from '@countersign/log-reader';
import { CompactRange, hashLeaf } from '@countersign/tlog';
import { encodeLogRecord, type Batch } from '@countersign/wire';
import { batchHeaders } from './batch-headers.ts';

const READ_RECORDS = 2_000;

export interface FoundingOptions {
  readonly broker: Broker;
  readonly entry: LedgerFounded;
  readonly epoch: string;
  readonly verifySignature: VerifySignature;
  readonly partition?: number;
}

export interface Founded {
  /** What a trust file pins. */
  readonly genesis: Leaf;
  /** False when the log was founded before; then this is the genesis that it has. */
  readonly isNew: boolean;
}

/**
 * Writes the founding entry as the first batch of a log that holds nothing yet.
 *
 * Crash story: stopping before the append leaves nothing. Stopping after it leaves a founded log whose
 * first head the writer signs at its start. Whoever founds at the same time: the first batch is the log's,
 * and the other founder is told.
 *
 * @throws LedgerError FOREIGN_LEDGER when the log was founded with another entry in the meantime;
 * BrokerError: try again, after reading what became of it
 */
export async function found(options: FoundingOptions): Promise<Founded> {
  const { broker, entry } = options;
  const tp = { topic: 'log', partition: options.partition ?? 0 } as const;
  const log = { ...options, origin: entry.origin, logKeys: entry.log_keys };
  const before = await readGenesis(log, tp);
  if (before !== undefined) return { genesis: leafOf(before.bytes), isNew: false };
  const bytes = encodeEntry(entry);
  const range = CompactRange.empty();
  const rootBefore = range.root();
  range.append(hashLeaf(bytes));
  const batch: Batch = {
    kind: 'batch',
    origin: entry.origin,
    sizeBefore: 0,
    rootBefore,
    sizeAfter: 1,
    rootAfter: range.root(),
    intakeOffsetAfter: 0,
    epoch: options.epoch,
    rulesVersion: entry.rules_version,
    entries: [bytes],
  };
  const record = {
    key: 'batch/0',
    value: encodeLogRecord(batch),
    headers: batchHeaders(batch),
  };
  await broker.append(tp, [record]);
  const after = await readGenesis(log, tp);
  const genesis = leafOf(bytes);
  if (after === undefined || leafOf(after.bytes) !== genesis) {
    throw new LedgerError('FOREIGN_LEDGER', 'somebody else has founded this log meanwhile');
  }
  return { genesis, isNew: true };
}

export interface FoundedLog {
  readonly broker: Broker;
  readonly origin: string;
  readonly logKeys: readonly string[];
  readonly verifySignature: VerifySignature;
  readonly partition?: number;
}

/** The first entry of a log: what it was founded as. The writer then checks that it is the pinned one. */
export async function readFounding(log: FoundedLog): Promise<Entry | undefined> {
  const tp = { topic: 'log', partition: log.partition ?? 0 } as const;
  const genesis = await readGenesis(log, tp);
  return genesis === undefined ? undefined : parseEntry(genesis.bytes);
}

/** The first entry of a log, whatever it is. */
async function readGenesis(
  { broker, origin, logKeys, verifySignature }: FoundedLog,
  tp: TopicPartition,
): Promise<AcceptedEntry | undefined> {
  const reader = new LogReader({ origin, logKeys, verifySignature });
  for (;;) {
    const records = await broker.read(tp, reader.nextOffset, READ_RECORDS);
    if (records.length === 0) return undefined;
    for (const record of records) {
      const event = await reader.read(record);
      if (event?.kind === 'batch') return event.entries[0];
    }
  }
}
