export { openDatabase, type Database, type OpenOptions } from './database.ts';
export type { QueryResult, Row, SqlValue, Statement } from './packing.ts';
export { SqliteError, type SqliteErrorCode } from './sqlite-error.ts';
