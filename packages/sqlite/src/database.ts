import { setImmediate } from 'node:timers';
import { Worker } from 'node:worker_threads';
import {
  Packing,
  unpackResults,
  type QueryResult,
  type Row,
  type SqlValue,
  type Statement,
} from './packing.ts';
import { SqliteError } from './sqlite-error.ts';
import type {
  Answer,
  Answers,
  ControlRequest,
  Opening,
  Request,
  WorkerOptions,
} from './worker-message.ts';

const MAX_OUTSTANDING = 50_000;
const MAX_OUTSTANDING_BYTES = 256_000_000;

/** A query whose answer is larger kills the worker, and not the process. */
const MAX_WORKER_HEAP_MB = 512;

export interface OpenOptions {
  readonly path: string;
  /** Names the application in the file's header: 32 bits, not 0. */
  readonly applicationId: number;
  /** The version of the format that this release writes. */
  readonly userVersion: number;
  /** Scripts of SQL; the last one leads to `userVersion`, each one before it to the version before. A new file runs all. */
  readonly schema: readonly string[];
  /** Bounds the file: beyond it DISK_FULL. Unbounded by default. */
  readonly maxPages?: number;
}

/**
 * One file, one process, one writer: a second one gets BUSY until this one is closed or dead.
 * A resolved `run` is fsynced. What waits while the disk is busy is committed together, each still whole or not at all.
 */
export interface Database {
  /**
   * One transaction. Takes effect in the order of the calls. Copies what it is given before it returns.
   * @throws {SqliteError} CONSTRAINT, DISK_FULL, MISUSE, QUEUE_FULL: nothing happened; IO: unknown
   */
  run(statements: readonly Statement[]): Promise<QueryResult[]>;
  /**
   * The rows of one query. Sees every run that was answered before it was called, and perhaps some that were not.
   * @throws {SqliteError} MISUSE also for an integer beyond 53 bits
   */
  all(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
  /** Empties the WAL into the file, so that what was deleted is in neither. */
  checkpoint(): Promise<void>;
  /** Waits for what was issued. May be repeated. */
  close(): Promise<void>;
}

/**
 * @throws {SqliteError} FOREIGN, BUSY, CORRUPT, IO
 * @example
 * const database = await openDatabase({ path, applicationId: 1, userVersion: 1, schema: ['CREATE TABLE t(a)'] });
 * await database.run([{ sql: 'INSERT INTO t VALUES (?)', params: ['x'] }]);
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const workerData: WorkerOptions = { ...options, maxPages: options.maxPages ?? null };
  // No loader of ours may reach the worker: it is plain JavaScript wherever it is started from.
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_WORKER_HEAP_MB },
  });
  await opened(worker);
  return new WorkerDatabase(worker);
}

function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => {
      reject(new SqliteError('IO', 'the database worker could not start', { cause }));
    };
    worker.once('error', failed);
    worker.once('message', ({ failure }: Opening) => {
      worker.off('error', failed);
      if (failure === null) {
        resolve();
        return;
      }
      // The file is released only when the worker is gone.
      worker.once('exit', () => {
        reject(new SqliteError(failure.code, failure.message));
      });
    });
  });
}

interface Outstanding {
  readonly bytes: number;
  readonly resolve: (results: QueryResult[]) => void;
  readonly reject: (error: SqliteError) => void;
}

class WorkerDatabase implements Database {
  readonly #worker: Worker;
  readonly #outstanding = new Map<number, Outstanding>();
  #outstandingBytes = 0;
  #packing = new Packing();
  #nextId = 0;
  #closing: Promise<void> | null = null;
  #dead: SqliteError | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', ({ answers, blobs }: Answers) => {
      for (const answer of answers) this.#settle(answer, blobs);
    });
    worker.on('error', (cause) => {
      this.#die(cause);
    });
    worker.on('exit', () => {
      this.#die(undefined);
    });
  }

  async run(statements: readonly Statement[]): Promise<QueryResult[]> {
    return this.#query('run', statements);
  }

  async all(sql: string, params: readonly SqlValue[] = []): Promise<Row[]> {
    const [result] = await this.#query('all', [{ sql, params }]);
    return result?.rows ?? [];
  }

  async checkpoint(): Promise<void> {
    await this.#control('checkpoint');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#dead) return;
    const gone = new Promise((resolve) => this.#worker.once('exit', resolve));
    const closed = this.#control('close');
    await closed;
    await gone;
  }

  #query(kind: 'run' | 'all', statements: readonly Statement[]): Promise<QueryResult[]> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.reject(refusal);
    const bytes = sizeOf(statements);
    const isFull =
      this.#outstanding.size >= MAX_OUTSTANDING ||
      this.#outstandingBytes + bytes > MAX_OUTSTANDING_BYTES;
    if (isFull) {
      return Promise.reject(new SqliteError('QUEUE_FULL', 'too many requests are outstanding'));
    }
    const packed = this.#packing.calls(statements);
    return this.#ask(bytes, (id) => ({ id, kind, packed }));
  }

  #control(kind: ControlRequest['kind']): Promise<QueryResult[]> {
    const refusal = kind === 'close' ? this.#dead : this.#refusal();
    return refusal === null ? this.#ask(0, (id) => ({ id, kind })) : Promise.reject(refusal);
  }

  #refusal(): SqliteError | null {
    return this.#dead ?? (this.#closing ? closedError() : null);
  }

  /** What is asked within one turn of the event loop goes to the worker together, in its order. */
  #ask(bytes: number, requestOf: (id: number) => Request): Promise<QueryResult[]> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#outstanding.set(id, { bytes, resolve, reject });
      this.#outstandingBytes += bytes;
      if (this.#packing.isEmpty) {
        setImmediate(() => {
          this.#send();
        });
      }
      this.#packing.add(requestOf(id));
    });
  }

  #send(): void {
    const parcel = this.#packing.parcel();
    this.#packing = new Packing();
    this.#worker.postMessage(parcel, [parcel.blobs]);
  }

  #settle(answer: Answer, blobs: ArrayBuffer): void {
    const asked = this.#outstanding.get(answer.id);
    if (asked === undefined) return;
    this.#outstanding.delete(answer.id);
    this.#outstandingBytes -= asked.bytes;
    if ('failure' in answer) {
      asked.reject(new SqliteError(answer.failure.code, answer.failure.message));
    } else {
      asked.resolve(unpackResults(answer.results, blobs));
    }
  }

  /** Whatever was outstanding may have been committed or not: nobody is left to ask. */
  #die(cause: unknown): void {
    this.#dead ??= closedError();
    for (const { reject } of this.#outstanding.values()) {
      reject(new SqliteError('IO', 'the database worker died', { cause }));
    }
    this.#outstanding.clear();
    this.#outstandingBytes = 0;
  }
}

function sizeOf(statements: readonly Statement[]): number {
  let bytes = 0;
  for (const { params = [] } of statements) {
    for (const value of params) if (value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}

function closedError(): SqliteError {
  return new SqliteError('CLOSED', 'expected an open database, got a closed one');
}
