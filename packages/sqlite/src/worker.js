// @ts-check
import { setImmediate } from 'node:timers';
import { parentPort, workerData } from 'node:worker_threads';
import { ConnectionError, failureOf, openConnection } from './connection.js';

/** @typedef {import('./worker-message.ts').Request} Request */
/** @typedef {import('./worker-message.ts').Answer} Answer */
/** @typedef {import('./worker-message.ts').Failure} Failure */
/** @typedef {import('./worker-message.ts').PackedValue} PackedValue */
/** @typedef {import('./worker-message.ts').PackedResult} PackedResult */
/** @typedef {import('./worker-message.ts').Parcel} Parcel */
/** @typedef {import('./worker-message.ts').PackedCalls} PackedCalls */
/** @typedef {{ statement: import('libsql').Statement, reader: boolean, columns: string[] }} Prepared */

/**
 * A request with what its message brought: its calls name texts of SQL and ranges of bytes there.
 * @typedef {{ id: number, kind: Request['kind'], packed: PackedCalls, sqls: readonly string[], bytes: Buffer }} Asked
 */

const MAX_STATEMENTS = 256;
const MAX_RUNS_PER_COMMIT = 1_000;

/** @type {PackedCalls} */
const NO_CALLS = { calls: [], values: [], ranges: [] };

const port = parentPort;
if (port === null) throw new Error('expected to be started as a worker');

/** @type {import('libsql').Database | null} */
let db = null;
/** @type {Failure} */
let refusal = { code: 'CLOSED', message: 'expected an open database, got a closed one' };
/** @type {Asked[]} */
let waiting = [];
/** @type {Answer[]} */
let answers = [];
let isClosing = false;
/** @type {Map<string, Prepared>} */
const statements = new Map();

try {
  db = openConnection(workerData);
  port.postMessage({ failure: null });
  port.on('message', (/** @type {Parcel} */ { requests, sqls, blobs }) => {
    // What arrives while a commit waits for the disk is handled together after it: one fsync for all.
    if (waiting.length === 0) setImmediate(drain);
    const bytes = Buffer.from(blobs);
    for (const request of requests) {
      const packed = 'packed' in request ? request.packed : NO_CALLS;
      waiting.push({ id: request.id, kind: request.kind, packed, sqls, bytes });
    }
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
    send();
  }
  for (const request of requests) if (request.kind !== 'run') serve(request);
  send();
  if (isClosing) port?.close();
}

/** @param {Asked} request */
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
 * @param {Asked[]} runs
 */
function commitTogether(runs) {
  if (db === null || runs.length === 1) {
    for (const run of runs) commitAlone(run);
    return;
  }
  /** @type {(() => void)[]} */
  const replies = [];
  try {
    exec('BEGIN IMMEDIATE');
    for (const run of runs) {
      exec('SAVEPOINT one');
      try {
        const results = execute(run);
        replies.push(() => answer(run.id, results));
      } catch (error) {
        // SQLite undoes the whole transaction for some errors, a full disk for one: then each goes alone.
        if (!open().inTransaction) throw error;
        exec('ROLLBACK TO one');
        replies.push(() => fail(run.id, error));
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
  for (const reply of replies) reply();
}

/** @param {Asked} run */
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
 * @param {Asked} query
 * @returns {PackedResult[]} with bytes still in place of their ranges
 */
function execute({ sqls, packed, bytes }) {
  const { calls, values, ranges } = packed;
  /** @type {PackedResult[]} */
  const results = [];
  let place = 0;
  let range = 0;
  for (let call = 0; call < calls.length; call += 2) {
    /** @type {unknown[]} */
    const bound = new Array(calls[call + 1] ?? 0);
    for (let i = 0; i < bound.length; i += 1, place += 1) {
      if (ranges[range] !== place) bound[i] = bindable(values[place]);
      else {
        bound[i] = bytes.subarray(ranges[range + 1], ranges[range + 2]);
        range += 3;
      }
    }
    results.push(resultOf(sqls[calls[call] ?? -1] ?? '', bound));
  }
  return results;
}

/**
 * @param {string} sql
 * @param {unknown[]} bound
 * @returns {PackedResult}
 */
function resultOf(sql, bound) {
  const { statement, reader, columns } = prepare(sql);
  // Always an array: given a bare buffer, libsql aborts the process.
  if (!reader) return Number(statement.run(bound).changes);
  // A statement that is not read to its end keeps its lock, so readers are never run() nor left half-way.
  const rows = /** @type {PackedValue[][]} */ (statement.all(bound));
  for (const row of rows) for (let i = 0; i < row.length; i += 1) row[i] = safe(row[i]);
  return { columns, rows };
}

/**
 * libsql binds every number as REAL, which is another value where a column has no type: so whole ones go as bigint.
 * @param {null | number | bigint | string | undefined} value
 */
function bindable(value) {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
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

/**
 * @param {string} sql
 * @returns {Prepared}
 */
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
  isClosing = true;
  answer(id, []);
}

/**
 * @param {number} id
 * @param {PackedResult[]} results
 */
function answer(id, results) {
  answers.push({ id, results });
}

/** Gives all answers that are due in one message. */
function send() {
  if (answers.length === 0) return;
  const due = answers;
  answers = [];
  const blobs = pack(due.flatMap((each) => ('results' in each ? each.results : [])));
  port?.postMessage({ answers: due, blobs }, [blobs]);
}

/**
 * Replaces bytes by ranges of one buffer, in place.
 * @param {readonly PackedResult[]} results
 * @returns {ArrayBuffer}
 */
function pack(results) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  for (const result of results) {
    if (typeof result === 'number') continue;
    for (const row of /** @type {(PackedValue | Uint8Array)[][]} */ (result.rows)) {
      for (let i = 0; i < row.length; i += 1) {
        const value = row[i];
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
  answers.push({ id, failure });
}
