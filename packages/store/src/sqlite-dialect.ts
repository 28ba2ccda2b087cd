import type { Database, SqlValue } from '@countersign/sqlite';
import {
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import type { Tables } from './tables.ts';

type All = Database['all'];

/** For queries only: what is written goes to the database itself, many statements at a time. */
export function sqliteQueries(all: All): Kysely<Tables> {
  const connection = new ReadingConnection(all);
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new ReadingDriver(connection),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

class ReadingConnection implements DatabaseConnection {
  readonly #all: All;

  constructor(all: All) {
    this.#all = all;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    // Rows are looked at where they are mapped.
    return { rows: (await this.#all(sql, parameters as readonly SqlValue[])) as R[] };
  }

  streamQuery(): never {
    throw noPart();
  }
}

/** One connection for everybody: the worker behind it takes the queries one after the other. */
class ReadingDriver implements Driver {
  readonly #connection: ReadingConnection;

  constructor(connection: ReadingConnection) {
    this.#connection = connection;
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }

  beginTransaction(): never {
    throw noPart();
  }

  commitTransaction(): never {
    throw noPart();
  }

  rollbackTransaction(): never {
    throw noPart();
  }
}

function noPart(): Error {
  return new Error('expected single queries only');
}
