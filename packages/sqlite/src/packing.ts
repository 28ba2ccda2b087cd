import { SqliteError } from './sqlite-error.ts';
import type { PackedCall, PackedResult, PackedRows, PackedValue } from './worker-message.ts';

/** An integer travels as a number; beyond 53 bits as a bigint, which may be stored and compared but not read back. */
export type SqlValue = null | number | bigint | string | Uint8Array;

export interface Statement {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
}

export type Row = Record<string, null | number | string | Uint8Array>;

export interface QueryResult {
  /** Of a SELECT or a RETURNING; a RETURNING reports its changes here and as 0 changes. */
  readonly rows: Row[];
  readonly changes: number;
}

const NOT_TEXT = /[\0\p{Surrogate}]/u;

export interface PackedCalls {
  readonly sqls: readonly string[];
  readonly calls: readonly PackedCall[];
  readonly blobs: ArrayBuffer;
}

/** @throws {SqliteError} MISUSE for no statement, or a number that SQL cannot hold */
export function packCalls(statements: readonly Statement[]): PackedCalls {
  if (statements.length === 0) throw new SqliteError('MISUSE', 'expected a statement, got none');
  const numbers = new Map<string, number>();
  const pieces: Uint8Array[] = [];
  let length = 0;
  const packValue = (value: SqlValue): PackedValue => {
    if (typeof value === 'number') return packNumber(value);
    if (!(value instanceof Uint8Array)) return assertPlain(value);
    const start = length;
    length += value.length;
    pieces.push(value);
    return [start, length];
  };
  const calls = statements.map(({ sql, params = [] }) => {
    const number = numbers.get(sql) ?? numbers.size;
    numbers.set(sql, number);
    return { sql: number, params: params.map(packValue) };
  });
  const blobs = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    blobs.set(piece, at);
    at += piece.length;
  }
  return { sqls: [...numbers.keys()], calls, blobs: blobs.buffer };
}

/** Types promise a plain value, but libsql aborts the whole process for a boolean or undefined: so it is looked at once more. */
function assertPlain(value: null | bigint | string): null | bigint | string {
  if (value === null || typeof value === 'bigint') return value;
  if (typeof value !== 'string') {
    throw new SqliteError('MISUSE', `expected a value of SQL, got ${typeof value}`);
  }
  // libsql gives back text only up to its first zero, and half a surrogate pair as another character.
  if (NOT_TEXT.test(value)) {
    throw new SqliteError('MISUSE', 'expected text of whole characters without U+0000');
  }
  return value;
}

/** libsql binds every number as REAL, which is another value where a column has no type. */
function packNumber(value: number): number | bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  if (Number.isFinite(value) && !Number.isInteger(value)) return value;
  throw new SqliteError('MISUSE', 'expected a finite number, or an integer of at most 53 bits');
}

export function unpackResults(results: readonly PackedResult[], blobs: ArrayBuffer): QueryResult[] {
  return results.map((result) =>
    typeof result === 'number'
      ? { changes: result, rows: [] }
      : { changes: 0, rows: unpackRows(result, blobs) },
  );
}

function unpackRows({ columns, rows }: PackedRows, blobs: ArrayBuffer): Row[] {
  return rows.map((values) => {
    const row: Row = {};
    for (const [i, column] of columns.entries()) row[column] = unpackValue(values[i], blobs);
    return row;
  });
}

function unpackValue(value: PackedValue | undefined, blobs: ArrayBuffer): Row[string] {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  // The worker turns every integer into a number, or refuses it.
  if (typeof value === 'bigint') throw new SqliteError('MISUSE', 'expected no bigint in a row');
  return new Uint8Array(blobs, value[0], value[1] - value[0]);
}
