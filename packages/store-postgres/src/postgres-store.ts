import { StoreError, type ChangeSet, type ReadModels, type StoreSignal } from '@countersign/store';
import {
  CLEARED_TABLES,
  dumpOf,
  positionWritesOf,
  rowReader,
  writesOf,
  type Tables,
} from '@countersign/store/sql';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { ChangeSignal } from './change-signal.ts';
import { Connections, newClient, type ConnectionSettings } from './connections.ts';
import { ensureLayout, takeTurn } from './layout.ts';
import { assertPositions, writeBatch } from './row-batch.ts';

const CONNECTIONS_MAX = 8;
/** Goes into names of SQL as it is, and with more behind it: a name has 63 bytes. */
const SCHEMA_NAME = /^[a-z][a-z0-9_]{0,47}$/;

export interface PostgresOptions extends ConnectionSettings {
  /** Holds the tables of one shard. It is made when there is none, with a role that may. */
  readonly schema: string;
  readonly connectionsMax?: number;
}

export type PostgresStore = ReadModels & StoreSignal;

/**
 * Read models in a schema of a PostgreSQL database, for any number of processes.
 *
 * @throws StoreError STORE_UNAVAILABLE; STORE_SETTINGS; STORE_CORRUPT for a schema that holds something else, or what
 * a newer release wrote
 * @example
 * const store = await openPostgresStore({ url: 'postgres://projector@localhost/countersign', schema: 'shard_0' });
 */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const { schema, connectionsMax = CONNECTIONS_MAX } = options;
  if (!SCHEMA_NAME.test(schema) || schema.startsWith('pg_')) {
    throw new StoreError('STORE_SETTINGS', 'schema: expected at most 48 of a-z, 0-9 and _');
  }
  const pool = new Connections(options, connectionsMax);
  const whole = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await assertTextIsUnicode(whole);
    await ensureLayout(whole.withSchema(schema), schema);
  } catch (error) {
    await whole.destroy();
    throw error;
  }
  const channel = `${schema}_changed`;
  const signal = new ChangeSignal({ newClient: () => newClient(options), channel });
  return storeOf(whole.withSchema(schema), { schema, channel, signal });
}

interface StoreParts {
  readonly schema: string;
  readonly channel: string;
  readonly signal: ChangeSignal;
}

function storeOf(db: Kysely<Tables>, { schema, channel, signal }: StoreParts): PostgresStore {
  const write = (work: (trx: Transaction<Tables>) => Promise<unknown>): Promise<void> =>
    db.transaction().execute(async (trx) => {
      await takeTurn(trx);
      await work(trx);
    });
  const tables = CLEARED_TABLES.map((name) => sql.id(schema, name));
  return {
    ...rowReader(db),
    apply: async (changes) => {
      if (!isEmpty(changes)) await write((trx) => apply(trx, changes, channel));
    },
    dump: () =>
      // All of it as of one moment.
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute((trx) => dumpOf(trx)),
    clear: () =>
      write(async (trx) => {
        await sql`truncate ${sql.join(tables)}`.execute(trx);
        await writeBatch(trx, { positions: [], writes: [], channel });
      }),
    onChange: (listener) => signal.onChange(listener),
    close: async () => {
      await signal.close();
      await db.destroy();
    },
  };
}

/**
 * Rows and positions in one transaction. A stop before its end leaves nothing; a stop after it leaves all, whether we
 * hear of that or not: whoever goes on asks where the store stands.
 */
async function apply(trx: Transaction<Tables>, changes: ChangeSet, channel: string): Promise<void> {
  const positions = positionWritesOf(changes);
  await assertPositions(trx, positions);
  await writeBatch(trx, { positions, writes: writesOf(changes.rows), channel });
}

function isEmpty({ rows, log, side = [] }: ChangeSet): boolean {
  return rows.length === 0 && log === undefined && side.length === 0;
}

async function assertTextIsUnicode(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ readonly encoding: string }>`
    select pg_catalog.current_setting('server_encoding') as encoding`.execute(db);
  const encoding = rows[0]?.encoding;
  if (encoding !== 'UTF8') {
    throw new StoreError('STORE_SETTINGS', `database: expected encoding UTF8, got ${encoding}`);
  }
}
