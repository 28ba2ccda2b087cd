import type { SqliteErrorCode } from './sqlite-error.ts';

/** What crosses between the thread that asks and the worker that holds the file. */

/** A value as it travels: bytes are a range of the one buffer of its message, which is moved instead of copied. */
export type PackedValue = null | number | bigint | string | readonly [start: number, end: number];

/** A statement is named by its place among the texts of SQL of its message. */
export interface PackedCall {
  readonly sql: number;
  readonly params: readonly PackedValue[];
}

export interface RunRequest {
  readonly id: number;
  readonly kind: 'run';
  readonly calls: readonly PackedCall[];
}

export interface AllRequest {
  readonly id: number;
  readonly kind: 'all';
  readonly calls: readonly PackedCall[];
}

export interface ControlRequest {
  readonly id: number;
  readonly kind: 'checkpoint' | 'close';
}

export type Request = RunRequest | AllRequest | ControlRequest;

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
