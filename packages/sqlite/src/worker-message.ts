import type { SqliteErrorCode } from './sqlite-error.ts';

/** What crosses between the thread that asks and the worker that holds the file. */

/** A value of a row as it travels: bytes are a range of the one buffer of its message, which is moved instead of copied. */
export type PackedValue = null | number | bigint | string | readonly [start: number, end: number];

/** Calls of statements in flat lists: an object for each call, or for each value, travels many times as slowly. */
export interface PackedCalls {
  /** Of each call: the place of its text among those of its message, and how many values are its own. */
  readonly calls: readonly number[];
  /** Of all calls, one after the other; null where bytes belong. */
  readonly values: readonly (null | number | bigint | string)[];
  /** Of bytes: their place among the values, and where they start and end in the buffer of the message. */
  readonly ranges: readonly number[];
}

export interface QueryRequest {
  readonly id: number;
  readonly kind: 'run' | 'all';
  readonly packed: PackedCalls;
}

export interface ControlRequest {
  readonly id: number;
  readonly kind: 'checkpoint' | 'close';
}

export type Request = QueryRequest | ControlRequest;

/** What was asked in one turn of the event loop: a message costs more than most of what is in it. */
export interface Parcel {
  readonly requests: readonly Request[];
  /** Each text of SQL once, however often it is called. */
  readonly sqls: readonly string[];
  readonly blobs: ArrayBuffer;
}

export interface PackedRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly PackedValue[])[];
}

/** A number tells how many rows a statement without an answer has changed: most have none, and objects travel slowly. */
export type PackedResult = PackedRows | number;

export interface Failure {
  readonly code: SqliteErrorCode;
  readonly message: string;
}

export type Answer =
  | { readonly id: number; readonly results: readonly PackedResult[] }
  | { readonly id: number; readonly failure: Failure };

/** Answers that became true together, in the order of their requests. */
export interface Answers {
  readonly answers: readonly Answer[];
  readonly blobs: ArrayBuffer;
}

/** The first message of the worker. */
export interface Opening {
  readonly failure: Failure | null;
}

export interface WorkerOptions {
  readonly path: string;
  readonly applicationId: number;
  readonly userVersion: number;
  readonly schema: readonly string[];
  readonly maxPages: number | null;
}
