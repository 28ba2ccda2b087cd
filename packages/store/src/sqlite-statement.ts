import type { SqlValue, Statement } from '@countersign/sqlite';
import { REOPENED_COLUMNS, type PositionWrite, type RowWrite } from './row-write.ts';
import { TABLE_NAMES, columnsOf, type TableName } from './tables.ts';

type WriteOf<K extends RowWrite['write']> = Extract<RowWrite, { write: K }>;

type Statements = {
  readonly [K in RowWrite['write']]: (write: WriteOf<K>) => readonly Statement[];
};

const STATEMENTS: Statements = {
  insert: ({ table, row }) => [into('INSERT OR IGNORE', table, row)],
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

export function statementsOf(writes: readonly RowWrite[]): Statement[] {
  return writes.flatMap((write) => statementsOfOne(write));
}

function statementsOfOne<K extends RowWrite['write']>(
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

/** Texts of SQL, by verb and table. */
const TEXTS = new Map<string, string>();

function into(verb: Verb, table: TableName, row: Values): Statement {
  return { sql: intoText(verb, table), params: valuesOf(table, row) };
}

function intoText(verb: Verb, table: TableName): string {
  const start = `${verb} INTO ${table}`;
  const known = TEXTS.get(start);
  if (known !== undefined) return known;
  const text = `${start} VALUES(${marks(table)})`;
  TEXTS.set(start, text);
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
