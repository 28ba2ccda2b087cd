import { StoreError } from '@countersign/store';
import {
  REOPENED_COLUMNS,
  columnsOf,
  shapeOf,
  type ColumnType,
  type FixedTable,
  type PositionWrite,
  type RowWrite,
  type Tables,
} from '@countersign/store/sql';
import { sql, type OperationNodeSource, type RawBuilder, type Transaction } from 'kysely';

/** Keeps a statement far below what a server takes, and the time that it needs below that of others. */
const ROWS_A_STATEMENT = 1_000;

type WriteOf<K extends RowWrite['write']> = Extract<RowWrite, { write: K }>;
type ActionWrite = WriteOf<'action-opened' | 'action-moved' | 'content-erased'>;
type Values = Readonly<Record<string, unknown>>;
type Columns = Readonly<Record<string, ColumnType>>;

/** What one transaction writes. */
export interface Batch {
  readonly positions: readonly PositionWrite[];
  readonly writes: readonly RowWrite[];
  /** Told of it when it is committed, and not if it is not. */
  readonly channel: string;
}

/** @throws StoreError STORE_MOVED */
export async function assertPositions(
  trx: Transaction<Tables>,
  positions: readonly PositionWrite[],
): Promise<void> {
  if (positions.length === 0) return;
  const names = positions.map(({ row }) => row.name);
  const query = trx
    .selectFrom('position')
    .select(['name', 'next_offset'])
    .where('name', 'in', names);
  const stands = new Map((await query.execute()).map((row) => [row.name, row.next_offset]));
  for (const { from, row } of positions) {
    const at = stands.get(row.name) ?? 0;
    if (at === from) continue;
    throw new StoreError(
      'STORE_MOVED',
      `${row.name}: expected a store at ${from}, got one at ${at}`,
    );
  }
}

/** Many rows a statement: what the writes do one after the other, they do here together. */
export async function writeBatch(trx: Transaction<Tables>, batch: Batch): Promise<void> {
  const { writes } = batch;
  await writeFixed(trx, batch);
  await writeMembers(trx, writes);
  // What is erased within this change set is not taken, wherever in it its content stands.
  await eraseContent(trx, ofKind(writes, 'content-erased'));
  await insertContent(trx, ofKind(writes, 'content'));
  for (const round of roundsOf(writes.filter(isOfAction))) {
    await openActions(trx, ofKind(round, 'action-opened'));
    await moveActions(trx, ofKind(round, 'action-moved'));
    await markErased(trx, ofKind(round, 'content-erased'));
  }
}

/**
 * All that does not depend on what is there already, as one statement: a commit takes as long as it takes questions and
 * answers.
 */
async function writeFixed(
  trx: Transaction<Tables>,
  { positions, writes, channel }: Batch,
): Promise<void> {
  const parts: OperationNodeSource[] = fixedInserts(trx, ofKind(writes, 'insert'));
  if (positions.length > 0) parts.push(positionUpsert(trx, positions));
  const named = parts.map((part, at) => sql`${sql.ref(`part_${at}`)} as (${part})`);
  const all = named.length === 0 ? sql`` : sql`with ${sql.join(named)}`;
  await sql`${all} select pg_notify(${channel}, '')`.execute(trx);
}

function positionUpsert(
  trx: Transaction<Tables>,
  positions: readonly PositionWrite[],
): OperationNodeSource {
  return trx
    .insertInto('position')
    .values(positions.map(({ row }) => row))
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({
        next_offset: eb.ref('excluded.next_offset'),
        size: eb.ref('excluded.size'),
        hashes: eb.ref('excluded.hashes'),
        intake_offset: eb.ref('excluded.intake_offset'),
        epoch: eb.ref('excluded.epoch'),
      })),
    );
}

function ofKind<K extends RowWrite['write']>(
  writes: readonly RowWrite[],
  kind: K,
): readonly WriteOf<K>[] {
  return writes.filter((write): write is WriteOf<K> => write.write === kind);
}

function isOfAction(write: RowWrite): write is ActionWrite {
  return (
    write.write === 'action-opened' ||
    write.write === 'action-moved' ||
    write.write === 'content-erased'
  );
}

/** The first write of every action, then the second of every one that has another: no row is in a statement twice. */
function roundsOf(writes: readonly ActionWrite[]): ActionWrite[][] {
  const rounds: ActionWrite[][] = [];
  const counts = new Map<string, number>();
  for (const write of writes) {
    const key = `${write.row.tenant}/${write.row.action_id}`;
    const at = counts.get(key) ?? 0;
    counts.set(key, at + 1);
    (rounds[at] ??= []).push(write);
  }
  return rounds;
}

function* chunksOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    yield rows.slice(start, start + ROWS_A_STATEMENT);
  }
}

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  integer: 'bigint[]',
  'integer?': 'bigint[]',
  text: 'text[]',
  'text?': 'text[]',
  bytes: 'bytea[]',
};

/** Rows as one array for each column, so that the statement is the same for any number of them. */
function unnested<T>(columns: Columns, rows: readonly Values[]): RawBuilder<T> {
  const arrays = Object.entries(columns).map(
    ([name, type]) => sql`${rows.map((row) => row[name])}::${sql.raw(SQL_TYPES[type])}`,
  );
  return sql<T>`unnest(${sql.join(arrays)})`;
}

function fixedInserts(
  trx: Transaction<Tables>,
  writes: readonly WriteOf<'insert'>[],
): OperationNodeSource[] {
  const byTable = new Map<FixedTable, Values[]>();
  for (const { table, row } of writes) {
    const rows = byTable.get(table);
    if (rows === undefined) byTable.set(table, [row]);
    else rows.push(row);
  }
  return [...byTable].map(([table, rows]) =>
    trx
      .insertInto(table)
      .columns(columnsOf(table) as never[])
      .expression(sql`select * from ${unnested(shapeOf(table).columns, rows)}`)
      .onConflict((conflict) => conflict.doNothing()),
  );
}

/** Of each member only the last word counts. */
async function writeMembers(trx: Transaction<Tables>, writes: readonly RowWrite[]): Promise<void> {
  const last = new Map<string, WriteOf<'member-set' | 'member-removed'>>();
  for (const write of writes) {
    if (write.write !== 'member-set' && write.write !== 'member-removed') continue;
    last.set(`${write.row.kind} ${write.row.id}`, write);
  }
  const all = [...last.values()];
  for (const { row } of ofKind(all, 'member-removed')) {
    await trx.deleteFrom('members').where('kind', '=', row.kind).where('id', '=', row.id).execute();
  }
  for (const part of chunksOf(ofKind(all, 'member-set'))) {
    await trx
      .insertInto('members')
      .values(part.map(({ row }) => row))
      .onConflict((conflict) =>
        conflict.columns(['kind', 'id']).doUpdateSet((eb) => ({
          thumbprint: eb.ref('excluded.thumbprint'),
          person: eb.ref('excluded.person'),
          text: eb.ref('excluded.text'),
          since_index: eb.ref('excluded.since_index'),
        })),
      )
      .execute();
  }
}

async function eraseContent(
  trx: Transaction<Tables>,
  writes: readonly WriteOf<'content-erased'>[],
): Promise<void> {
  for (const { row } of writes) {
    await trx
      .insertInto('erased')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await trx
      .deleteFrom('content')
      .where('tenant', '=', row.tenant)
      .where('action_id', '=', row.action_id)
      .execute();
  }
}

async function insertContent(
  trx: Transaction<Tables>,
  writes: readonly WriteOf<'content'>[],
): Promise<void> {
  const { columns } = shapeOf('content');
  const names = columnsOf('content').map((name) => sql.ref(name));
  for (const part of chunksOf(writes.map(({ row }) => row))) {
    const rows = unnested<Tables['content']>(columns, part);
    await trx
      .insertInto('content')
      .columns(columnsOf('content') as never[])
      .expression((eb) =>
        eb
          .selectFrom(rows.as<'came'>(sql`came(${sql.join(names)})`))
          .selectAll()
          .where((where) =>
            where.not(
              where.exists(
                where
                  .selectFrom('erased')
                  .select('erased.tenant')
                  .whereRef('erased.tenant', '=', 'came.tenant')
                  .whereRef('erased.action_id', '=', 'came.action_id'),
              ),
            ),
          ),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

async function openActions(
  trx: Transaction<Tables>,
  writes: readonly WriteOf<'action-opened'>[],
): Promise<void> {
  for (const part of chunksOf(writes.map(({ row }) => row))) {
    await trx
      .insertInto('actions')
      .columns(columnsOf('actions') as never[])
      .expression(sql`select * from ${unnested(shapeOf('actions').columns, part)}`)
      .onConflict((conflict) =>
        conflict
          .columns(['tenant', 'action_id'])
          .doUpdateSet((eb) =>
            Object.fromEntries(REOPENED_COLUMNS.map((name) => [name, eb.ref(`excluded.${name}`)])),
          )
          .where('actions.admission_index', 'is', null)
          .where((eb) => eb(eb.ref('excluded.admission_index'), 'is not', null)),
      )
      .execute();
  }
}

const MOVE_COLUMNS = {
  tenant: 'text',
  action_id: 'text',
  status: 'text?',
  binding_index: 'integer?',
  use_by: 'text?',
  uses: 'integer?',
  result: 'text?',
  changed_at: 'text',
  last_index: 'integer',
} as const satisfies Record<keyof WriteOf<'action-moved'>['row'], ColumnType>;

async function moveActions(
  trx: Transaction<Tables>,
  writes: readonly WriteOf<'action-moved'>[],
): Promise<void> {
  const names = Object.keys(MOVE_COLUMNS).map((name) => sql.ref(name));
  for (const part of chunksOf(writes.map(({ row }) => row))) {
    const moves = unnested<WriteOf<'action-moved'>['row']>(MOVE_COLUMNS, part);
    await trx
      .updateTable('actions')
      .from(moves.as<'move'>(sql`move(${sql.join(names)})`))
      .set((eb) => ({
        status: eb.fn.coalesce('move.status', 'actions.status'),
        binding_index: eb.fn.coalesce('move.binding_index', 'actions.binding_index'),
        use_by: eb.fn.coalesce('move.use_by', 'actions.use_by'),
        uses: eb.fn.coalesce('move.uses', 'actions.uses'),
        result: eb.fn.coalesce('move.result', 'actions.result'),
      }))
      .set((eb) => ({
        changed_at: eb.ref('move.changed_at'),
        last_index: eb.ref('move.last_index'),
      }))
      .whereRef('actions.tenant', '=', 'move.tenant')
      .whereRef('actions.action_id', '=', 'move.action_id')
      .whereRef('actions.last_index', '<=', 'move.last_index')
      .execute();
  }
}

async function markErased(
  trx: Transaction<Tables>,
  writes: readonly WriteOf<'content-erased'>[],
): Promise<void> {
  for (const { row } of writes) {
    await trx
      .updateTable('actions')
      .set({ erased: 1 })
      .where('tenant', '=', row.tenant)
      .where('action_id', '=', row.action_id)
      .execute();
  }
}
