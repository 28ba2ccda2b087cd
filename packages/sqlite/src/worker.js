// @ts-check
import { setImmediate } from 'node:timers';
import { parentPort, workerData } from 'node:worker_threads';
import { ConnectionError, failureOf, openConnection } from './connection.js';

/** @typedef {import('./worker-message.ts').Request} Request */
/** @typedef {import('./worker-message.ts').Answer} Answer */
/** @typedef {import('./worker-message.ts').Failure} Failure */
/** @typedef {import('./worker-message.ts').PackedValue} PackedValue */
/** @typedef {import('./worker-message.ts').PackedResult} PackedResult */
/** @typedef {import('./worker-message.ts').RunRequest} RunRequest */
/** @typedef {import('./worker-message.ts').AllRequest} AllRequest */
/** @typedef {import('./worker-message.ts').ControlRequest} ControlRequest */

const MAX_STATEMENTS = 256;
const MAX_RUNS_PER_COMMIT = 1_000;

const port = parentPort;
if (port === null) throw new Error('expected to be started as a worker');

/** @type {import('libsql').Database | null} */
let db = null;
/** @type {Failure} */
let refusal = { code: 'CLOSED', message: 'expected an open database, got a closed one' };
/** @type {Request[]} */
let waiting = [];
/** @type {Map<string, { statement: import('libsql').Statement, reader: boolean, columns: string[] }>} */
const statements = new Map();

try {
  db = openConnection(workerData);
  port.postMessage({ failure: null });
  port.on('message', (/** @type {Request} */ request) => {
    // What arrives while a commit waits for the disk is handled together after it: one fsync for all.
    if (waiting.length === 0) setImmediate(drain);
    waiting.push(request);
  });
} catch (error) {
  port.postMessage({ failure: failureOf(error) });
}

/**
 * All writes first, then the reads: they were outstanding together, so any order among them is a right one. A read that was
 * issued after a write was answered comes in a later turn.
 */
function drain() {
  const requests = waiting;
  waiting = [];
  const runs = requests.filter((r) => r.kind === 'run');
  for (let i = 0; i < runs.length; i += MAX_RUNS_PER_COMMIT) {
    commitTogether(runs.slice(i, i + MAX_RUNS_PER_COMMIT));
  }
  for (const request of requests) if (request.kind !== 'run') serve(request);
}

/** @param {AllRequest | ControlRequest} request */
function serve(request) {
  try {
    if (request.kind === 'all') answer(request.id, execute(request));
    else if (request.kind === 'checkpoint') checkpoint(request.id);
    else close(request.id);
  } catch (error) {
    fail(request.id, error);
  }
}

/**
 * Each run is a savepoint, so one that fails fails alone; none is answered before all are on the disk.
 * @param {RunRequest[]} runs
 */
function commitTogether(runs) {
  if (db === null || runs.length === 1) {
    for (const run of runs) commitAlone(run);
    return;
  }
  /** @type {(() => void)[]} */
  const answers = [];
  try {
    exec('BEGIN IMMEDIATE');
    for (const run of runs) {
      exec('SAVEPOINT one');
      try {
        const results = execute(run);
        answers.push(() => answer(run.id, results));
      } catch (error) {
        // SQLite undoes the whole transaction for some errors, a full disk for one: then each goes alone.
        if (!open().inTransaction) throw error;
        exec('ROLLBACK TO one');
        answers.push(() => fail(run.id, error));
      }
      exec('RELEASE one');
    }
    exec('COMMIT');
  } catch (error) {
    undo();
    if (failureOf(error).code === 'IO') for (const run of runs) fail(run.id, error);
    else for (const run of runs) commitAlone(run);
    return;
  }
  for (const reply of answers) reply();
}

/** @param {RunRequest} run */
function commitAlone(run) {
  try {
    exec('BEGIN IMMEDIATE');
    const results = execute(run);
    exec('COMMIT');
    answer(run.id, results);
  } catch (error) {
    undo();
    fail(run.id, error);
  }
}

function undo() {
  if (db?.inTransaction) exec('ROLLBACK');
}

/**
 * @param {RunRequest | AllRequest} query
 * @returns {PackedResult[]} with bytes still in place of their ranges
 */
function execute({ sqls, calls, blobs }) {
  const bytes = Buffer.from(blobs);
  const prepared = sqls.map(prepare);
  return calls.map(({ sql, params }) => {
    const { statement, reader, columns } = /** @type {typeof prepared[number]} */ (prepared[sql]);
    const bound = params.map((v) => (Array.isArray(v) ? bytes.subarray(v[0], v[1]) : v));
    // Always an array: given a bare buffer, libsql aborts the process.
    if (!reader) return Number(statement.run(bound).changes);
    // A statement that is not read to its end keeps its lock, so readers are never run() nor left half-way.
    const rows = /** @type {PackedValue[][]} */ (statement.all(bound));
    for (const row of rows) for (let i = 0; i < row.length; i += 1) row[i] = safe(row[i]);
    return { columns, rows };
  });
}

/**
 * @param {PackedValue | undefined} value
 * @returns {PackedValue}
 */
function safe(value) {
  if (typeof value !== 'bigint') return value ?? null;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new ConnectionError('MISUSE', 'expected integers of at most 53 bits in the result');
  }
  return number;
}

/** @param {string} sql */
function prepare(sql) {
  const known = statements.get(sql);
  if (known) return known;
  const statement = open().prepare(sql);
  const { reader } = statement;
  const columns = reader
    ? statement
        .raw()
        .columns()
        .map((column) => column.name)
    : [];
  const made = { statement, reader, columns };
  if (statements.size >= MAX_STATEMENTS) {
    const [oldest] = statements.keys();
    if (oldest !== undefined) statements.delete(oldest);
  }
  statements.set(sql, made);
  return made;
}

/** @param {string} sql */
function exec(sql) {
  prepare(sql).statement.run([]);
}

/** @returns {import('libsql').Database} */
function open() {
  if (db === null) throw new ConnectionError(refusal.code, refusal.message);
  return db;
}

/** @param {number} id */
function checkpoint(id) {
  const rows = open().prepare('PRAGMA wal_checkpoint(TRUNCATE)').raw().all([]);
  const [busy] = /** @type {unknown[][]} */ (rows)[0] ?? [];
  if (Number(busy) !== 0) throw new ConnectionError('BUSY', 'the WAL could not be emptied');
  answer(id, []);
}

/** @param {number} id */
function close(id) {
  statements.clear();
  db?.close();
  db = null;
  answer(id, []);
  port?.close();
}

/**
 * @param {number} id
 * @param {PackedResult[]} results
 */
function answer(id, results) {
  const blobs = pack(results);
  port?.postMessage({ id, results, blobs }, [blobs]);
}

/**
 * Replaces bytes by ranges of one buffer, in place.
 * @param {PackedResult[]} results
 * @returns {ArrayBuffer}
 */
function pack(results) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  for (const result of results) {
    if (typeof result === 'number') continue;
    for (const row of /** @type {(PackedValue | Uint8Array)[][]} */ (result.rows)) {
      for (const [i, value] of row.entries()) {
        if (!(value instanceof Uint8Array)) continue;
        row[i] = [length, length + value.length];
        length += value.length;
        pieces.push(value);
      }
    }
  }
  const blobs = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    blobs.set(piece, at);
    at += piece.length;
  }
  return blobs.buffer;
}

/**
 * @param {number} id
 * @param {unknown} error
 */
function fail(id, error) {
  const failure = failureOf(error);
  if (failure.code === 'IO' && db !== null) {
    refusal = { code: 'CLOSED', message: 'the database closed itself after an I/O error' };
    statements.clear();
    try {
      db.close();
    } catch {
      // It is given up either way; what counts is the first failure, which is reported.
    }
    db = null;
  }
  port?.postMessage({ id, failure });
}
