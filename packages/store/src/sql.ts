export { dumpOf, rowReader } from './row-reader.ts';
export {
  REOPENED_COLUMNS,
  positionWritesOf,
  writesOf,
  type FixedTable,
  type PositionWrite,
  type RowWrite,
} from './row-write.ts';
export {
  CLEARED_TABLES,
  DERIVED_POSITIONS,
  DERIVED_TABLES,
  TABLES_SINCE_2,
  TABLE_NAMES,
  columnsOf,
  shapeOf,
  type ColumnType,
  type TableName,
  type Tables,
} from './tables.ts';
