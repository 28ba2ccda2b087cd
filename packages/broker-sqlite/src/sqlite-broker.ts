import {
  assertAppendable,
  assertErasable,
  assertReadable,
  BrokerError,
  EndWaiters,
  MAX_READ_BYTES,
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
  SELECT_END,
  SELECT_RECORDS,
  SELECT_SIZES,
} from './record-table.ts';

export interface SqliteBrokerOptions {
  readonly path: string;
  /** The broker's clock, in milliseconds: what append times come from. */
  readonly clock: () => number;
  /** Bounds the file: beyond it BROKER_DISK_FULL. Unbounded by default. */
  readonly maxPages?: number;
}

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
  return new SqliteBroker(database, options.clock);
}

class SqliteBroker implements Broker {
  readonly #database: Database;
  readonly #clock: () => number;
  readonly #waiters = new EndWaiters();
  #closed = false;

  constructor(database: Database, clock: () => number) {
    this.#database = database;
    this.#clock = clock;
  }

  async append(tp: TopicPartition, records: readonly NewRecord[]): Promise<Appended> {
    this.#assertOpen();
    assertAppendable(records);
    const statements = appendStatements(tp, records, this.#clock());
    const [extended] = await mapped('unknown', () => this.#database.run(statements));
    const { next: end, time_ms: appendTimeMs } = extended?.rows[0] ?? {};
    if (typeof end !== 'number' || typeof appendTimeMs !== 'number') {
      throw new BrokerError('BROKER_CORRUPT', 'expected the end of the partition');
    }
    this.#waiters.notify(tp, end);
    return { firstOffset: end - records.length, appendTimeMs };
  }

  async read(tp: TopicPartition, fromOffset: number, maxRecords: number): Promise<StoredRecord[]> {
    this.#assertOpen();
    assertReadable(fromOffset, maxRecords);
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

  async end(tp: TopicPartition): Promise<number> {
    this.#assertOpen();
    const [row] = await this.#all(SELECT_END, [tp.topic, tp.partition]);
    return Number(row?.['next'] ?? 0);
  }

  async waitBeyond(tp: TopicPartition, offset: number, timeoutMs: number): Promise<boolean> {
    this.#assertOpen();
    // Wait first, then look: an append between the two is then seen by one of them.
    const waiting = this.#waiters.wait(tp, offset, timeoutMs);
    const looking = this.end(tp).then((end) => {
      this.#waiters.notify(tp, end);
    });
    const [reached] = await Promise.all([waiting, looking]);
    return reached;
  }

  async erase(topic: Topic, key: string): Promise<number> {
    this.#assertOpen();
    assertErasable(topic);
    const [erased] = await mapped('unknown', () =>
      this.#database.run([{ sql: ERASE, params: [topic, key] }]),
    );
    // If we stop here the bytes are still in the WAL: whoever erases MUST repeat it until it resolves, and so this runs even for 0.
    await mapped('unknown', () => this.#database.checkpoint());
    return erased?.changes ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
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
