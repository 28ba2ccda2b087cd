import type { SqliteErrorCode } from './sqlite-error.ts';

/** What crosses between the thread that asks and the worker that holds the file. */

/** A value as it travels: bytes are a range of the one buffer beside it, which is moved instead of copied. */
export type PackedValue = null | number | bigint | string | readonly [start: number, end: number];

/** Each text of SQL once, however often it is called. */
export interface PackedCall {
  readonly sql: number;
  readonly params: readonly PackedValue[];
}

interface Query {
  readonly id: number;
  readonly sqls: readonly string[];
  readonly calls: readonly PackedCall[];
  readonly blobs: ArrayBuffer;
}

export interface RunRequest extends Query {
  readonly kind: 'run';
}

export interface AllRequest extends Query {
  readonly kind: 'all';
}

export interface ControlRequest {
  readonly id: number;
  readonly kind: 'checkpoint' | 'close';
}

export type Request = RunRequest | AllRequest | ControlRequest;

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
  | { readonly id: number; readonly results: readonly PackedResult[]; readonly blobs: ArrayBuffer }
  | { readonly id: number; readonly failure: Failure };

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
