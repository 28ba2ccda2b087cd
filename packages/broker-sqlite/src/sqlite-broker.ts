import {
  assertAppendable,
  assertErasable,
  assertReadable,
  BrokerError,
  EndWaiters,
  MAX_READ_BYTES,
  ownHeaders,
  type Appended,
  type Broker,
  type BrokerErrorCode,
  type NewRecord,
  type StoredRecord,
  type Topic,
  type TopicPartition,
} from '@countersign/broker';
import { openDatabase, SqliteError, type Database } from '@countersign/sqlite';
import {
  APPLICATION_ID,
  appendStatements,
  ERASE,
  FORMAT_VERSION,
  recordOf,
  SCHEMA,
  SELECT_ENDS,
  SELECT_RECORDS,
  SELECT_SIZES,
} from './record-table.ts';
import { AppendGroups, type Appending } from './append-groups.ts';
import { copiesOf, RecentRecords } from './recent-records.ts';

export interface SqliteBrokerOptions {
  readonly path: string;
  /** The broker's clock, in milliseconds: what append times come from. */
  readonly clock: () => number;
  /** Bounds the file: beyond it BROKER_DISK_FULL. Unbounded by default. */
  readonly maxPages?: number;
  /** How much of the newest of each partition is answered from memory: some seconds of a busy ledger by default. */
  readonly recentBytesMax?: number;
}

const RECENT_BYTES_MAX = 8_000_000;

/**
 * Topics and log in one file of SQLite, for one process at a time.
 *
 * Crash story: an append is one transaction, resolved after its fsync. If we stop before, SQLite rolls it back at the next start; if
 * we stop between the fsync and the answer, it is there although nobody heard so, as the contract allows.
 * @throws {BrokerError} BROKER_FOREIGN, BROKER_BUSY, BROKER_CORRUPT, BROKER_UNAVAILABLE
 * @example
 * const broker = await openSqliteBroker({ path: 'countersign-data/topics.db', clock: Date.now });
 */
export async function openSqliteBroker(options: SqliteBrokerOptions): Promise<Broker> {
  const database = await mapped('before', () =>
    openDatabase({
      path: options.path,
      applicationId: APPLICATION_ID,
      userVersion: FORMAT_VERSION,
      schema: SCHEMA,
      ...(options.maxPages === undefined ? {} : { maxPages: options.maxPages }),
    }),
  );
  const recent = new RecentRecords(options.recentBytesMax ?? RECENT_BYTES_MAX);
  for (const row of await mapped('before', () => database.all(SELECT_ENDS))) {
    // Whatever else stands in the file is asked for by nobody.
    const tp = { topic: row['topic'] as Topic, partition: Number(row['part']) };
    recent.setEnd(tp, Number(row['next']));
  }
  return new SqliteBroker(database, recent, options.clock);
}

class SqliteBroker implements Broker {
  readonly #database: Database;
  readonly #recent: RecentRecords;
  readonly #clock: () => number;
  readonly #waiters = new EndWaiters();
  readonly #groups = new AppendGroups((tp, appends) => void this.#write(tp, appends));
  #closed = false;

  constructor(database: Database, recent: RecentRecords, clock: () => number) {
    this.#database = database;
    this.#recent = recent;
    this.#clock = clock;
  }

  async append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    this.#assertOpen();
    assertAppendable(records);
    // With headers of their own too.
    const own = records.map((record) => ({
      key: record.key,
      value: record.value,
      ...ownHeaders(record),
    }));
    return this.#groups.add(tp, copiesOf(own));
  }

  async #write(tp: TopicPartition, appends: readonly Appending[]): Promise<void> {
    try {
      const appended = await this.#store(
        tp,
        appends.flatMap(({ records }) => records),
      );
      let { firstOffset } = appended;
      for (const { records, resolve } of appends) {
        resolve({ ...appended, firstOffset });
        firstOffset += records.length;
      }
    } catch (error) {
      const isFull = error instanceof BrokerError && error.code === 'BROKER_DISK_FULL';
      // Nothing of it happened, and what failed together may fit alone.
      if (isFull && appends.length > 1) await this.#writeEach(tp, appends);
      else for (const { reject } of appends) reject(error);
    }
  }

  async #writeEach(tp: TopicPartition, appends: readonly Appending[]): Promise<void> {
    for (const append of appends) await this.#write(tp, [append]);
  }

  /** In one transaction. */
  async #store(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    const statements = appendStatements(tp, records, this.#clock());
    const [extended] = await mapped('unknown', () => this.#database.run(statements));
    const { next: end, time_ms: appendTimeMs } = extended?.rows[0] ?? {};
    const firstOffset = this.#recent.endOf(tp);
    // Appends are answered in the order of their commits, and nobody else writes.
    if (typeof appendTimeMs !== 'number' || end !== firstOffset + records.length) {
      throw new BrokerError('BROKER_CORRUPT', `expected the partition to end at ${firstOffset}`);
    }
    this.#recent.add(
      tp,
      records.map((record, i) => ({ ...record, offset: firstOffset + i, appendTimeMs })),
    );
    this.#waiters.notify(tp, end);
    return { firstOffset, appendTimeMs };
  }

  async read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    this.#assertOpen();
    assertReadable(fromOffset, maxRecords);
    const recent = this.#recent.read(tp, fromOffset, maxRecords);
    if (recent !== undefined) return recent;
    const where = [tp.topic, tp.partition, fromOffset];
    // Sizes first: SQLite knows them without touching the values, and so the bytes are bounded before they are loaded.
    const sizes = await this.#all(SELECT_SIZES, [...where, maxRecords]);
    let count = 0;
    let bytes = 0;
    for (const row of sizes) {
      bytes += Number(row['bytes']);
      if (count > 0 && bytes > MAX_READ_BYTES) break;
      count += 1;
    }
    if (count === 0) return [];
    const rows = await this.#all(SELECT_RECORDS, [...where, count]);
    return rows.map((row, i) => recordOf(row, fromOffset + i));
  }

  end(tp: TopicPartition): Promise<number> {
    return this.#closed ? Promise.reject(closedError()) : Promise.resolve(this.#recent.endOf(tp));
  }

  async waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    this.#assertOpen();
    return this.#recent.endOf(tp) > offset || this.#waiters.wait(tp, offset, timeoutMs);
  }

  async erase(topic: Topic, key: string): Promise<number> {
    this.#assertOpen();
    assertErasable(topic);
    this.#groups.flush();
    const [erased] = await mapped('unknown', () =>
      this.#database.run([{ sql: ERASE, params: [topic, key] }]),
    );
    this.#recent.erase(topic, key);
    // If we stop here the bytes are still in the WAL: whoever erases MUST repeat it until it resolves, and so this runs even for 0.
    await mapped('unknown', () => this.#database.checkpoint());
    return erased?.changes ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#groups.flush();
    this.#waiters.rejectAll(closedError());
    await mapped('before', () => this.#database.close());
  }

  #all(sql: string, params: (string | number)[]): ReturnType<Database['all']> {
    return mapped('before', () => this.#database.all(sql, params));
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }
}

/** `before`: an I/O error had no effect. `unknown`: it may have had one. */
async function mapped<T>(effect: 'before' | 'unknown', operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    throw new BrokerError(brokerCode(error, effect), error.message, { cause: error });
  }
}

function brokerCode(error: SqliteError, effect: 'before' | 'unknown'): BrokerErrorCode {
  switch (error.code) {
    case 'BUSY':
      return 'BROKER_BUSY';
    case 'CLOSED':
      return 'BROKER_CLOSED';
    // A constraint of ours can only fail when the tables contradict each other.
    case 'CONSTRAINT':
    case 'CORRUPT':
    case 'MISUSE':
      return 'BROKER_CORRUPT';
    case 'DISK_FULL':
      return 'BROKER_DISK_FULL';
    case 'FOREIGN':
      return 'BROKER_FOREIGN';
    case 'IO':
      return effect === 'unknown' ? 'BROKER_INDEFINITE' : 'BROKER_UNAVAILABLE';
    case 'QUEUE_FULL':
      return 'BROKER_UNAVAILABLE';
  }
}

function closedError(): BrokerError {
  return new BrokerError('BROKER_CLOSED', 'expected an open broker, got a closed one');
}
