import { TABLE_NAMES, shapeOf, type ColumnType, type TableName } from './tables.ts';

/** "cSrm" as a number: what the file's header names as its application. */
export const APPLICATION_ID = 0x63_53_72_6d;

export const SCHEMA_VERSION = 2;

const SQLITE_TYPES: Readonly<Record<ColumnType, string>> = {
  integer: 'INTEGER NOT NULL',
  'integer?': 'INTEGER',
  text: 'TEXT NOT NULL',
  'text?': 'TEXT',
  bytes: 'BLOB NOT NULL',
};

const COSIGNED: TableName = 'cosigned';

export const SCHEMA: readonly string[] = [
  TABLE_NAMES.filter((name) => name !== COSIGNED)
    .map(tableText)
    .join('\n'),
  tableText(COSIGNED),
];

/**
 * No part of the format: an index changes no row, so a file of an earlier release gets those that it lacks when it is opened,
 * and an earlier release works with those that it does not know.
 */
export const INDEXES: readonly string[] = TABLE_NAMES.flatMap(indexTexts);

function tableText(name: TableName): string {
  const { columns, key } = shapeOf(name);
  const lines = Object.entries(columns).map(([column, type]) => `${column} ${SQLITE_TYPES[type]}`);
  // A table under one integer is in its order already, and its rows may be large.
  const isByNumber = key.length === 1 && columns[key[0] ?? ''] === 'integer';
  const options = isByNumber ? 'STRICT' : 'STRICT, WITHOUT ROWID';
  return `CREATE TABLE ${name}(${lines.join(', ')}, PRIMARY KEY(${key.join(', ')})) ${options};`;
}

function indexTexts(name: TableName): string[] {
  return Object.entries(shapeOf(name).indexes).map(([index, { on, where }]) => {
    const condition = where === undefined ? '' : ` WHERE ${where} IS NOT NULL`;
    return `CREATE INDEX IF NOT EXISTS ${index} ON ${name}(${on.join(', ')})${condition}`;
  });
}
