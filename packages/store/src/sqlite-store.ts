import {
  SqliteError,
  openDatabase,
  type Database,
  type Row,
  type SqlValue,
} from '@countersign/sqlite';
import type { SqliteErrorCode, Statement } from '@countersign/sqlite';
import type { ChangeSet, ReadModels } from './read-models.ts';
import { dumpOf, rowReader } from './row-reader.ts';
import { positionWritesOf, writesOf } from './row-write.ts';
import { APPLICATION_ID, INDEXES, SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { sqliteQueries } from './sqlite-dialect.ts';
import { positionStatement, statementsOf } from './sqlite-statement.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';
import { CLEARED_TABLES } from './tables.ts';

/** Opens the read models in a SQLite file, which is made when there is none. */
export async function openSqliteStore(path: string): Promise<ReadModels> {
  try {
    const database = await openDatabase({
      path,
      applicationId: APPLICATION_ID,
      userVersion: SCHEMA_VERSION,
      schema: SCHEMA,
    });
    await database.run(INDEXES.map((sql) => ({ sql })));
    // A stop between an erasure and its checkpoint has left the bytes in the WAL: here they go.
    await database.checkpoint();
    return storeOf(database);
  } catch (error) {
    throw wrapped(error);
  }
}

function storeOf(database: Database): ReadModels {
  const db = sqliteQueries((sql, params) => all(database, sql, params));
  return {
    ...rowReader(db),
    apply: (changes) => apply(database, changes),
    dump: () => dumpOf(db),
    clear: () =>
      run(
        database,
        CLEARED_TABLES.map((table) => ({ sql: `DELETE FROM ${table}` })),
      ),
    close: () => database.close(),
  };
}

async function apply(database: Database, changes: ChangeSet): Promise<void> {
  const statements = [
    ...positionWritesOf(changes).map(positionStatement),
    ...statementsOf(writesOf(changes.rows)),
  ];
  if (statements.length > 0) await run(database, statements);
  // What was erased must not stay readable in the WAL until it happens to be written over.
  if (changes.rows.some(({ change }) => change === 'content-erased')) await checkpoint(database);
}

async function run(database: Database, statements: readonly Statement[]): Promise<void> {
  try {
    await database.run(statements);
  } catch (error) {
    throw wrapped(error);
  }
}

async function checkpoint(database: Database): Promise<void> {
  try {
    await database.checkpoint();
  } catch (error) {
    throw wrapped(error);
  }
}

async function all(
  database: Database,
  sql: string,
  params: readonly SqlValue[] = [],
): Promise<Row[]> {
  try {
    return await database.all(sql, params);
  } catch (error) {
    throw wrapped(error);
  }
}

function wrapped(error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error;
  return new StoreError(CODES[error.code], `the read models: ${error.code}`, { cause: error });
}

/** Not asked for again: a file that has failed stays closed until it is opened again. */
const CODES: Readonly<Record<SqliteErrorCode, StoreErrorCode>> = {
  CORRUPT: 'STORE_CORRUPT',
  FOREIGN: 'STORE_CORRUPT',
  // The one constraint that a statement of ours can break is that of a position.
  CONSTRAINT: 'STORE_MOVED',
  BUSY: 'STORE_FAILED',
  CLOSED: 'STORE_FAILED',
  DISK_FULL: 'STORE_FAILED',
  IO: 'STORE_FAILED',
  MISUSE: 'STORE_FAILED',
  QUEUE_FULL: 'STORE_FAILED',
};
