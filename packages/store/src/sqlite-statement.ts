import type { SqlValue, Statement } from '@countersign/sqlite';
import {
  REOPENED_COLUMNS,
  type FixedTable,
  type FixedWrite,
  type PositionWrite,
  type RowWrite,
} from './row-write.ts';
import { TABLE_NAMES, columnsOf, type TableName } from './tables.ts';

/** A call of SQLite costs as much as the row that it writes, so a rebuild writes many rows by one. */
const ROWS_A_STATEMENT = 32;

type OtherWrite = Exclude<RowWrite, FixedWrite>;
type WriteOf<K extends OtherWrite['write']> = Extract<OtherWrite, { write: K }>;

type Statements = {
  readonly [K in OtherWrite['write']]: (write: WriteOf<K>) => readonly Statement[];
};

const STATEMENTS: Statements = {
  'member-set': ({ row }) => [into('INSERT OR REPLACE', 'members', row)],
  'member-removed': ({ row: { kind, id } }) => [
    { sql: 'DELETE FROM members WHERE kind = ? AND id = ?', params: [kind, id] },
  ],
  'action-opened': ({ row }) => [{ sql: OPEN_ACTION, params: valuesOf('actions', row) }],
  'action-moved': ({ row }) => [moveAction(row)],
  content: ({ row }) => [
    {
      sql: `INSERT OR IGNORE INTO content SELECT ?,?,?,?,?,?
        WHERE NOT EXISTS (SELECT 1 FROM erased WHERE tenant = ? AND action_id = ?)`,
      params: [...valuesOf('content', row), row.tenant, row.action_id],
    },
  ],
  'content-erased': ({ row }) => {
    const params = [row.tenant, row.action_id];
    return [
      into('INSERT OR IGNORE', 'erased', row),
      { sql: 'DELETE FROM content WHERE tenant = ? AND action_id = ?', params },
      { sql: 'UPDATE actions SET erased = 1 WHERE tenant = ? AND action_id = ?', params },
    ];
  },
};

/** Rows that never change come first, each table's together: nothing else depends on them, nor they on anything. */
export function statementsOf(writes: readonly RowWrite[]): Statement[] {
  const fixed = new Map<FixedTable, Values[]>();
  const others: Statement[] = [];
  for (const write of writes) {
    if (write.write !== 'insert') others.push(...statementsOfOne(write));
    else rowsOf(fixed, write.table).push(write.row);
  }
  return [...[...fixed].flatMap(([table, rows]) => insertsOf(table, rows)), ...others];
}

function rowsOf(fixed: Map<FixedTable, Values[]>, table: FixedTable): Values[] {
  const known = fixed.get(table);
  if (known !== undefined) return known;
  const rows: Values[] = [];
  fixed.set(table, rows);
  return rows;
}

/** Two texts of SQL a table, so that both stay prepared: for many rows, and for each that is left. */
function insertsOf(table: FixedTable, rows: readonly Values[]): Statement[] {
  const statements: Statement[] = [];
  let at = 0;
  for (; at + ROWS_A_STATEMENT <= rows.length; at += ROWS_A_STATEMENT) {
    statements.push(into('INSERT OR IGNORE', table, ...rows.slice(at, at + ROWS_A_STATEMENT)));
  }
  for (const row of rows.slice(at)) statements.push(into('INSERT OR IGNORE', table, row));
  return statements;
}

function statementsOfOne<K extends OtherWrite['write']>(
  write: WriteOf<K> & { readonly write: K },
): readonly Statement[] {
  return STATEMENTS[write.write](write);
}

/** Breaks the constraint of its column, and with it the whole transaction, where the store stands elsewhere. */
export function positionStatement({ from, row }: PositionWrite): Statement {
  const { name, next_offset: to, size, hashes, intake_offset: intakeOffset, epoch } = row;
  return {
    sql: `INSERT OR REPLACE INTO position SELECT ?,
      iif(coalesce((SELECT next_offset FROM position WHERE name = ?), 0) = ?, ?, NULL), ?, ?, ?, ?`,
    params: [name, name, from, to, size, hashes, intakeOffset, epoch],
  };
}

type Verb = 'INSERT OR IGNORE' | 'INSERT OR REPLACE';
type Values = Readonly<Record<string, SqlValue>>;

/** Texts of SQL, by verb, table and how many rows. */
const TEXTS = new Map<string, string>();

function into(verb: Verb, table: TableName, ...rows: readonly Values[]): Statement {
  return {
    sql: intoText(verb, table, rows.length),
    params: rows.flatMap((row) => valuesOf(table, row)),
  };
}

function intoText(verb: Verb, table: TableName, rows: number): string {
  const start = `${verb} INTO ${table}`;
  const key = `${start} ${rows}`;
  const known = TEXTS.get(key);
  if (known !== undefined) return known;
  const text = `${start} VALUES ${Array.from({ length: rows }, () => `(${marks(table)})`).join(',')}`;
  TEXTS.set(key, text);
  return text;
}

const COLUMNS = new Map(TABLE_NAMES.map((table) => [table, columnsOf(table)]));

/** In the order of the columns. */
function valuesOf(table: TableName, row: Values): SqlValue[] {
  return (COLUMNS.get(table) ?? []).map((column) => row[column] ?? null);
}

function marks(table: TableName): string {
  return columnsOf(table)
    .map(() => '?')
    .join(',');
}

const OPEN_ACTION = `INSERT INTO actions VALUES(${marks('actions')}) ON CONFLICT(tenant, action_id) DO UPDATE SET
  ${REOPENED_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')}
  WHERE actions.admission_index IS NULL AND excluded.admission_index IS NOT NULL`;

function moveAction(row: WriteOf<'action-moved'>['row']): Statement {
  return {
    sql: `UPDATE actions SET status = coalesce(?, status), binding_index = coalesce(?, binding_index),
      use_by = coalesce(?, use_by), uses = coalesce(?, uses), result = coalesce(?, result),
      changed_at = ?, last_index = ? WHERE tenant = ? AND action_id = ? AND last_index <= ?`,
    params: [
      ...[row.status, row.binding_index, row.use_by, row.uses, row.result],
      ...[row.changed_at, row.last_index, row.tenant, row.action_id, row.last_index],
    ],
  };
}
