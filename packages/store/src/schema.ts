import {
  DERIVED_POSITIONS,
  DERIVED_TABLES,
  TABLES_SINCE_2,
  TABLE_NAMES,
  shapeOf,
  type ColumnType,
  type TableName,
} from './tables.ts';

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

/**
 * The step to version 2 empties what version 1 has read, so that it is read again into the tables that are new: a stop behind it
 * leaves read models that know nothing yet, which the projector builds.
 */
export const SCHEMA: readonly string[] = [
  TABLE_NAMES.filter((name) => !TABLES_SINCE_2.includes(name))
    .map(tableText)
    .join('\n'),
  [...TABLES_SINCE_2.map(tableText), ...emptying()].join('\n'),
];

function emptying(): string[] {
  const names = DERIVED_POSITIONS.map((name) => `'${name}'`).join(', ');
  return [
    ...DERIVED_TABLES.map((name) => `DELETE FROM ${name};`),
    `DELETE FROM position WHERE name IN (${names});`,
  ];
}

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
