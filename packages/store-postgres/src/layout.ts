import { StoreError } from '@countersign/store';
import { TABLE_NAMES, shapeOf, type ColumnType, type TableName } from '@countersign/store/sql';
import type { Tables } from '@countersign/store/sql';
import { sql, type Kysely, type Transaction } from 'kysely';

const PRODUCT = 'countersign read models';
const VERSION = 1;

type Layout = { readonly layout: { readonly product: string; readonly version: number } };

/**
 * Makes the tables in their schema unless they are there. Whoever opens at the same time waits, and finds them.
 *
 * @throws StoreError STORE_CORRUPT for a schema that holds something else, or what a newer release wrote
 */
export async function ensureLayout(db: Kysely<Tables>, schema: string): Promise<void> {
  if (!(await tableNames(db, schema)).includes('layout')) await makeTables(db, schema);
  assertOurs(await db.withTables<Layout>().selectFrom('layout').selectAll().execute());
}

async function makeTables(db: Kysely<Tables>, schema: string): Promise<void> {
  const making = `${PRODUCT} ${schema}`;
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${making}, 0))`.execute(trx);
    const found = await tableNames(trx, schema);
    if (found.includes('layout')) return;
    if (found.length > 0) {
      throw new StoreError('STORE_CORRUPT', `schema ${schema}: expected an empty one, or our own`);
    }
    await trx.schema.createSchema(schema).ifNotExists().execute();
    for (const table of TABLE_NAMES) await createTable(trx, table);
    await trx.schema
      .createTable('layout')
      .addColumn('product', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .execute();
    const layouts = trx.withTables<Layout>();
    await layouts.insertInto('layout').values({ product: PRODUCT, version: VERSION }).execute();
  });
}

/**
 * Waits until no other writer is at it, until this transaction ends: so writers follow each other, and each sees what
 * the one before it has left. Assures on the way that the tables are still those that this release knows.
 */
export async function takeTurn(trx: Transaction<Tables>): Promise<void> {
  const query = trx.withTables<Layout>().selectFrom('layout').selectAll().forUpdate();
  assertOurs(await query.execute());
}

function assertOurs(rows: readonly Layout['layout'][]): void {
  const [row, ...others] = rows;
  if (row?.product === PRODUCT && row.version === VERSION && others.length === 0) return;
  const got = row?.product === PRODUCT ? `version ${row.version}` : 'those of something else';
  throw new StoreError('STORE_CORRUPT', `tables: expected version ${VERSION}, got ${got}`);
}

/** Out of the catalog as a table: what looks up names remembers, within a transaction, what was not there. */
async function tableNames(db: Kysely<Tables>, schema: string): Promise<string[]> {
  const { rows } = await sql<{ readonly name: string }>`
    select c.relname::text as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'v', 'm', 'p', 'f')`.execute(db);
  return rows.map(({ name }) => name);
}

/** Text is compared by its bytes, whatever the language of the database, as the port's other stores do. */
const TYPES: Readonly<Record<ColumnType, { readonly type: string; readonly isNullable: boolean }>> =
  {
    integer: { type: 'bigint', isNullable: false },
    'integer?': { type: 'bigint', isNullable: true },
    text: { type: 'text collate "C"', isNullable: false },
    'text?': { type: 'text collate "C"', isNullable: true },
    bytes: { type: 'bytea', isNullable: false },
  };

async function createTable(db: Kysely<Tables>, name: TableName): Promise<void> {
  const { columns, key, indexes } = shapeOf(name);
  let table = db.schema.createTable(name);
  for (const [column, columnType] of Object.entries(columns)) {
    const { type, isNullable } = TYPES[columnType];
    table = table.addColumn(column, sql.raw(type), (one) => (isNullable ? one : one.notNull()));
  }
  await table.addPrimaryKeyConstraint(`${name}_pkey`, [...key] as never[]).execute();
  for (const [indexName, { on, where }] of Object.entries(indexes)) {
    const index = db.schema
      .createIndex(indexName)
      .on(name)
      .columns([...on]);
    await (where === undefined ? index : index.where(sql.ref(where), 'is not', null)).execute();
  }
}
