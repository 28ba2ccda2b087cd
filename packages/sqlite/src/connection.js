// @ts-check
// Plain JavaScript, so that a worker starts from source as well as from dist: Node 20 cannot strip types.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import Libsql from 'libsql';

/** @typedef {import('./sqlite-error.ts').SqliteErrorCode} SqliteErrorCode */
/** @typedef {import('./worker-message.ts').WorkerOptions} WorkerOptions */
/** @typedef {import('./worker-message.ts').Failure} Failure */

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
const APPLICATION_ID_AT = 68;
const BUSY_TIMEOUT_MS = 100;
const CACHE_KIB = 65_536;
const WAL_PAGES = 4_000;

/** A failure that we found ourselves, before SQLite would have. */
export class ConnectionError extends Error {
  /**
   * @param {SqliteErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Nothing is written before the file is known to be ours.
 * @param {WorkerOptions} options
 * @returns {Libsql.Database}
 */
export function openConnection(options) {
  assertOurHeader(options);
  const db = new Libsql(options.path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.defaultSafeIntegers(true);
    // Held until close or death: the kernel releases it, so no lock file can be left behind.
    pragma(db, 'locking_mode=EXCLUSIVE');
    migrate(db, options);
    // After the first schema, so that the application id is in the file itself and never only in its WAL.
    pragma(db, 'journal_mode=WAL');
    pragma(db, 'synchronous=FULL');
    pragma(db, 'secure_delete=ON');
    // Of 2 MB, SQLite's own, indexes of random keys are pushed out to the WAL within the very transaction that needs them again.
    pragma(db, `cache_size=-${CACHE_KIB}`);
    // Four times SQLite's own: what is written again meanwhile goes to the file once.
    pragma(db, `wal_autocheckpoint=${WAL_PAGES}`);
    if (options.maxPages !== null) pragma(db, `max_page_count=${options.maxPages}`);
    // In exclusive mode the first write takes the lock, and the lock is what keeps a second process out.
    db.exec('BEGIN IMMEDIATE');
    db.exec('COMMIT');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * @param {Libsql.Database} db
 * @param {string} text
 * @returns {unknown} what it says, if anything
 */
function pragma(db, text) {
  const statement = db.prepare(`PRAGMA ${text}`);
  if (!statement.reader) {
    statement.run([]);
    return undefined;
  }
  const rows = /** @type {unknown[][]} */ (statement.raw().all([]));
  return rows[0]?.[0];
}

/**
 * What SQLite says, in our words.
 * @param {unknown} error
 * @returns {Failure}
 */
export function failureOf(error) {
  if (error instanceof ConnectionError) return { code: error.code, message: error.message };
  const code = codeOf(error);
  const native = error instanceof Error && 'code' in error ? String(error.code) : '';
  // SQLite's own message may quote a value of a row, so only its code goes on; of wrong SQL the message is what helps.
  const detail = code === 'MISUSE' && error instanceof Error ? error.message : native;
  return { code, message: `SQLite refused: ${detail || code}` };
}

/** @type {readonly (readonly [string, SqliteErrorCode])[]} */
const CODES = [
  ['SQLITE_FULL', 'DISK_FULL'],
  ['SQLITE_CORRUPT', 'CORRUPT'],
  ['SQLITE_NOTADB', 'CORRUPT'],
  ['SQLITE_BUSY', 'BUSY'],
  ['SQLITE_LOCKED', 'BUSY'],
  ['SQLITE_CONSTRAINT', 'CONSTRAINT'],
  ['SQLITE_IOERR', 'IO'],
  ['SQLITE_CANTOPEN', 'IO'],
  ['SQLITE_READONLY', 'IO'],
  ['SQLITE_PERM', 'IO'],
];

/**
 * @param {unknown} error
 * @returns {SqliteErrorCode}
 */
function codeOf(error) {
  if (!(error instanceof Error)) return 'MISUSE';
  const native = 'code' in error ? String(error.code) : '';
  const known = CODES.find(([prefix]) => native.startsWith(prefix));
  if (known) return known[1];
  return error.message.startsWith('ConnectionFailed') ? 'IO' : 'MISUSE';
}

/** @param {WorkerOptions} options */
function assertOurHeader({ path, applicationId }) {
  const header = Buffer.alloc(HEADER_BYTES);
  let length;
  try {
    // Made here, so that only its owner can read it. SQLite gives its WAL the same mode.
    const file = openSync(path, 'a+', 0o600);
    length = readSync(file, header, 0, HEADER_BYTES, 0);
    closeSync(file);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConnectionError('IO', `cannot open the database file: ${why}`);
  }
  // An interrupted first transaction is rolled back by SQLite; until then the header may be anything.
  if (length === 0 || existsSync(`${path}-journal`)) return;
  const isSqlite = header.toString('latin1', 0, MAGIC.length) === MAGIC;
  if (!isSqlite || header.readUInt32BE(APPLICATION_ID_AT) !== applicationId) {
    throw new ConnectionError(
      'FOREIGN',
      `expected a SQLite file of application ${applicationId}, got another file`,
    );
  }
}

/**
 * `schema[i]` brings the file from version `userVersion - schema.length + i` to the next one. A new file runs all of them.
 * @param {Libsql.Database} db
 * @param {WorkerOptions} options
 */
function migrate(db, { applicationId, userVersion, schema }) {
  const version = Number(pragma(db, 'user_version'));
  const isNew = Number(pragma(db, 'application_id')) !== applicationId;
  const oldest = userVersion - schema.length;
  if (!isNew && (version < oldest || version > userVersion)) {
    throw new ConnectionError(
      'FOREIGN',
      `expected format version ${oldest} to ${userVersion}, got ${version}`,
    );
  }
  const steps = schema.slice(isNew ? 0 : version - oldest);
  if (steps.length === 0) return;
  // One transaction: stopping here leaves the version before, whole.
  db.exec('BEGIN IMMEDIATE');
  for (const step of steps) db.exec(step);
  pragma(db, `application_id=${applicationId}`);
  pragma(db, `user_version=${userVersion}`);
  db.exec('COMMIT');
}
