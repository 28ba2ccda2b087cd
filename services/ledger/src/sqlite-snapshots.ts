import { rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { SqliteError, openDatabase, type Database, type Statement } from '@countersign/sqlite';
import {
  SnapshotError,
  type SnapshotChanges,
  type SnapshotStore,
  type StoredSnapshot,
} from './snapshot-store.ts';

/** "CSfd" */
const APPLICATION_ID = 0x43_53_66_64;
const SCHEMA = [
  `CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL) STRICT;
   CREATE TABLE action (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;`,
];

/** Rows read, or written in one transaction, at a time. */
const ROWS_AT_ONCE = 2_000;
/** Changes up to this many replace the last snapshot in one transaction; more than that are a new one. */
const CHANGES_IN_ONE_MAX = 20_000;
/** Texts made between two turns of the event loop. */
const TEXTS_A_TURN = 100;

const PUT = 'INSERT INTO action VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body';
const DELETE = 'DELETE FROM action WHERE id = ?';
const PUT_HEAD =
  'INSERT INTO head VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body';

export interface SqliteSnapshots extends SnapshotStore {
  /** Waits for what was issued. May be repeated. */
  close(): Promise<void>;
}

/** Keeps the snapshot of a shard in a SQLite file, which is made when it is first used. */
export function sqliteSnapshots(path: string): SqliteSnapshots {
  return new SnapshotFile(path);
}

class SnapshotFile implements SqliteSnapshots {
  readonly #path: string;
  #opening: Promise<Database> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<StoredSnapshot | undefined> {
    return unreadable(async () => {
      const database = await this.#open();
      const [row] = await database.all('SELECT body FROM head');
      return row === undefined
        ? undefined
        : { head: bytesIn(row['body']), actions: actionsIn(database) };
    });
  }

  /**
   * Crash story: a few changes are one transaction, with the head that they belong to. For more of them the head goes first
   * and comes back last, so stopping in between leaves no snapshot.
   */
  async save({ head, isWhole, actions }: SnapshotChanges): Promise<void> {
    await unreadable(async () => {
      const database = await this.#open();
      let statements: Statement[] = [];
      let isBegun = false;
      const most = isWhole ? ROWS_AT_ONCE : CHANGES_IN_ONE_MAX;
      if (isWhole) {
        await database.run([{ sql: 'DELETE FROM head' }, { sql: 'DELETE FROM action' }]);
      }
      for (const [id, body] of actions) {
        statements.push(
          body === undefined ? { sql: DELETE, params: [id] } : { sql: PUT, params: [id, body] },
        );
        if (statements.length % TEXTS_A_TURN === 0) await setImmediate();
        if (statements.length < (isBegun ? ROWS_AT_ONCE : most)) continue;
        if (!isBegun) statements.unshift({ sql: 'DELETE FROM head' });
        isBegun = true;
        await database.run(statements);
        statements = [];
      }
      await database.run([...statements, { sql: PUT_HEAD, params: [head] }]);
    });
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return;
    await unreadable(async () => {
      const database = await opening;
      await database.close();
    });
  }

  #open(): Promise<Database> {
    this.#opening ??= this.#opened().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** A file that is damaged or none of ours is replaced: it holds nothing that the log does not. */
  async #opened(): Promise<Database> {
    const options = {
      path: this.#path,
      applicationId: APPLICATION_ID,
      userVersion: 1,
      schema: SCHEMA,
    };
    try {
      return await openDatabase(options);
    } catch (error) {
      const isSpoilt =
        error instanceof SqliteError && (error.code === 'CORRUPT' || error.code === 'FOREIGN');
      if (!isSpoilt) throw error;
      for (const end of ['', '-wal', '-shm']) await rm(`${this.#path}${end}`, { force: true });
      return openDatabase(options);
    }
  }
}

async function* actionsIn(database: Database): AsyncGenerator<readonly Uint8Array[]> {
  let after = -1;
  for (;;) {
    const rows = await unreadable(() =>
      database.all('SELECT rowid AS n, body FROM action WHERE rowid > ? ORDER BY rowid LIMIT ?', [
        after,
        ROWS_AT_ONCE,
      ]),
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => bytesIn(row['body']));
    after = Number(last['n']);
  }
}

function bytesIn(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new SnapshotError('SNAPSHOT_UNREADABLE', 'expected bytes');
}

async function unreadable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const isOfFile = error instanceof SqliteError || (error instanceof Error && 'syscall' in error);
    if (!isOfFile) throw error;
    throw new SnapshotError('SNAPSHOT_UNREADABLE', 'expected a file that can be read and written', {
      cause: error,
    });
  }
}
