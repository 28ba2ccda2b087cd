import { SqliteError } from './sqlite-error.ts';
import type {
  PackedCalls,
  PackedResult,
  PackedRows,
  PackedValue,
  Parcel,
  Request,
} from './worker-message.ts';

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

const FIRST_BYTES = 4_096;

/** Collects what goes to the worker as one message. Copies bytes as they come in. */
export class Packing {
  readonly #numbers = new Map<string, number>();
  readonly #requests: Request[] = [];
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES);
  #length = 0;

  get isEmpty(): boolean {
    return this.#requests.length === 0;
  }

  /** @throws {SqliteError} MISUSE for no statement, or a value that SQL cannot hold */
  calls(statements: readonly Statement[]): PackedCalls {
    if (statements.length === 0) throw new SqliteError('MISUSE', 'expected a statement, got none');
    const calls: number[] = [];
    const values: (null | number | bigint | string)[] = [];
    const ranges: number[] = [];
    for (const { sql, params = [] } of statements) {
      calls.push(this.#numberOf(sql), params.length);
      for (const value of params) {
        if (value instanceof Uint8Array) {
          ranges.push(values.length, this.#length, this.#append(value));
          values.push(null);
        } else values.push(typeof value === 'number' ? assertNumber(value) : assertPlain(value));
      }
    }
    return { calls, values, ranges };
  }

  add(request: Request): void {
    this.#requests.push(request);
  }

  /** The message. Nothing may be added after it. */
  parcel(): Parcel {
    const sqls = [...this.#numbers.keys()];
    return { requests: this.#requests, sqls, blobs: this.#bytes.buffer };
  }

  #numberOf(sql: string): number {
    const known = this.#numbers.get(sql);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(sql, number);
    return number;
  }

  /** Answers where they end. */
  #append(value: Uint8Array): number {
    const end = this.#length + value.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(value, this.#length);
    this.#length = end;
    return end;
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
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

/** The worker binds whole numbers as integers: libsql would bind each as REAL, another value where a column has no type. */
function assertNumber(value: number): number {
  if (Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))) {
    return value;
  }
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
    for (let i = 0; i < columns.length; i += 1) {
      row[columns[i] ?? ''] = unpackValue(values[i], blobs);
    }
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
