import { StoreError } from '@countersign/store';
import {
  DERIVED_POSITIONS,
  DERIVED_TABLES,
  TABLES_SINCE_2,
  TABLE_NAMES,
  shapeOf,
  type ColumnType,
  type TableName,
} from '@countersign/store/sql';
import type { Tables } from '@countersign/store/sql';
import { sql, type Kysely, type Transaction } from 'kysely';

const PRODUCT = 'countersign read models';
const VERSION = 2;

type Layout = { readonly layout: { readonly product: string; readonly version: number } };

/**
 * Makes the tables in their schema unless they are there, and brings those of an earlier release to this one. Whoever opens at the
 * same time waits, and finds them.
 *
 * @throws StoreError STORE_CORRUPT for a schema that holds something else, or what a newer release wrote
 */
export async function ensureLayout(db: Kysely<Tables>, schema: string): Promise<void> {
  if (!(await tableNames(db, schema)).includes('layout')) await makeTables(db, schema);
  const layouts = db.withTables<Layout>().selectFrom('layout').selectAll();
  const isOfVersion1 = (await layouts.execute()).some(isVersion1);
  if (isOfVersion1) await toVersion2(db, schema);
  assertOurs(await layouts.execute());
  await makeMissingIndexes(db, schema);
}

function isVersion1({ product, version }: Layout['layout']): boolean {
  return product === PRODUCT && version === 1;
}

/**
 * Adds what is new, and empties what was read, so that it is read again. A projector of the release before waits for this transaction
 * and then stops: its tables are no longer there. A stop before the end leaves version 1, whole.
 */
async function toVersion2(db: Kysely<Tables>, schema: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const layouts = trx.withTables<Layout>();
    const [row] = await layouts.selectFrom('layout').selectAll().forUpdate().execute();
    if (row === undefined || !isVersion1(row)) return;
    for (const table of TABLES_SINCE_2) await createTable(trx, table);
    const tables = DERIVED_TABLES.map((name) => sql.id(schema, name));
    await sql`truncate ${sql.join(tables)}`.execute(trx);
    await trx.deleteFrom('position').where('name', 'in', DERIVED_POSITIONS).execute();
    await layouts.updateTable('layout').set({ version: 2 }).execute();
  });
}

/**
 * Those that an earlier release did not have. A role that does not own the tables leaves that to one that does: without them it
 * reads the same, more slowly.
 */
async function makeMissingIndexes(db: Kysely<Tables>, schema: string): Promise<void> {
  if ((await missingIndexes(db, schema)).length === 0) return;
  const { rows } = await sql<{ readonly foreign: number }>`
    select count(*) filter (where not pg_has_role(c.relowner, 'USAGE')) as "foreign"
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind = 'r'`.execute(db);
  if (rows[0]?.foreign !== 0) return;
  await db.transaction().execute(async (trx) => {
    await takeMaking(trx, schema);
    for (const { table, index } of await missingIndexes(trx, schema)) {
      await createIndex(trx, table, index);
    }
  });
}

type IndexName = { readonly table: TableName; readonly index: string };

async function missingIndexes(db: Kysely<Tables>, schema: string): Promise<IndexName[]> {
  const { rows } = await sql<{ readonly name: string }>`
    select indexname::text as name from pg_catalog.pg_indexes where schemaname = ${schema}`.execute(
    db,
  );
  const found = new Set(rows.map(({ name }) => name));
  return TABLE_NAMES.flatMap((table) =>
    Object.keys(shapeOf(table).indexes)
      .filter((index) => !found.has(index))
      .map((index) => ({ table, index })),
  );
}

/** Whoever else makes tables or indexes waits until this transaction ends. */
async function takeMaking(trx: Transaction<Tables>, schema: string): Promise<void> {
  const making = `${PRODUCT} ${schema}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${making}, 0))`.execute(trx);
}

async function makeTables(db: Kysely<Tables>, schema: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await takeMaking(trx, schema);
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
  for (const index of Object.keys(indexes)) await createIndex(db, name, index);
}

async function createIndex(db: Kysely<Tables>, table: TableName, name: string): Promise<void> {
  const shape = shapeOf(table).indexes[name];
  if (shape === undefined) throw new Error(`invariant: expected an index ${name} of ${table}`);
  const { on, where } = shape;
  const index = db.schema
    .createIndex(name)
    .on(table)
    .columns([...on]);
  await (where === undefined ? index : index.where(sql.ref(where), 'is not', null)).execute();
}
