import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase, SqliteError, type Database, type OpenOptions } from '@countersign/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCHEMA = ['CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB, note ANY UNIQUE) STRICT'];
const INSERT = 'INSERT INTO item (id, body, note) VALUES (?, ?, ?)';

const HERE = import.meta.dirname;

let folder: string;
let path: string;
const opened: Database[] = [];

async function open(changes: Partial<OpenOptions> = {}): Promise<Database> {
  const options = { path, applicationId: 0x43534831, userVersion: 1, schema: SCHEMA, ...changes };
  const database = await openDatabase(options);
  opened.push(database);
  return database;
}

async function code(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof SqliteError) return error.code;
    throw error;
  }
  return 'resolved';
}

const run = promisify(execFile);
const FROM_SOURCE = ['--conditions=@countersign/source', '--import', 'tsx'];
const OPEN = `openDatabase(
  { path: process.argv[1], applicationId: 0x43534831, userVersion: 1, schema: ${JSON.stringify(SCHEMA)} })`;

/** What the expression resolves with there. */
async function inAnotherProcess(
  expression: string,
  { from = '@countersign/sqlite', args = FROM_SOURCE, fileBlocks = 'unlimited' } = {},
): Promise<string> {
  const script = `import { openDatabase } from '${from}';
    console.log(await ${expression}); process.exit();`;
  const node = [process.execPath, ...args, '--input-type=module', '-e', script, path];
  const limited = `ulimit -f ${fileBlocks} && exec "$@"`;
  const { stdout } = await run('bash', ['-c', limited, 'bash', ...node], { cwd: HERE });
  return stdout.trim();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-'));
  path = join(folder, 'a.db');
});

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  await rm(folder, { recursive: true });
});

describe('values', () => {
  it('come back as they went in', async () => {
    const database = await open();
    const body = Buffer.from('xxbodyxx').subarray(2, 6);
    await database.run([
      { sql: INSERT, params: [1, body, 'text Ω 🔑'] },
      { sql: INSERT, params: [2, new Uint8Array(), 1.5] },
      { sql: INSERT, params: [Number.MAX_SAFE_INTEGER, null, -7] },
    ]);
    const rows = await database.all('SELECT *, typeof(note) AS kind FROM item ORDER BY id');
    expect(rows).toEqual([
      { id: 1, body: new Uint8Array(body), note: 'text Ω 🔑', kind: 'text' },
      { id: 2, body: new Uint8Array(), note: 1.5, kind: 'real' },
      { id: Number.MAX_SAFE_INTEGER, body: null, note: -7, kind: 'integer' },
    ]);
  });

  it('are copied before run returns', async () => {
    const database = await open();
    const body = Buffer.from('before');
    const run = database.run([{ sql: INSERT, params: [1, body, null] }]);
    body.fill('x');
    await run;
    const [row] = await database.all('SELECT body FROM item');
    expect(row?.['body']).toEqual(new Uint8Array(Buffer.from('before')));
  });

  it('are refused when SQL cannot hold or give them exactly', async () => {
    const database = await open();
    for (const value of [NaN, Infinity, 2 ** 53, undefined, true, {}, 'a\0b', '\ud800']) {
      const params = [1, null, value as number];
      expect(await code(database.run([{ sql: INSERT, params }]))).toBe('MISUSE');
    }
    expect(await code(database.all('SELECT ? AS big', [2n ** 53n]))).toBe('MISUSE');
    expect(await code(database.run([]))).toBe('MISUSE');
  });

  it('of RETURNING are rows of the run', async () => {
    const database = await open();
    const [inserted, returned] = await database.run([
      { sql: INSERT, params: [1, null, null] },
      { sql: 'UPDATE item SET id = id + 1 RETURNING id' },
    ]);
    expect(inserted).toEqual({ rows: [], changes: 1 });
    expect(returned?.rows).toEqual([{ id: 2 }]);
    await database.checkpoint();
  });
});

describe('a run', () => {
  it('happens whole or not at all, and alone', async () => {
    const database = await open();
    const runs = Array.from({ length: 200 }, (_, i) =>
      database.run([
        { sql: INSERT, params: [2 * i, null, null] },
        { sql: INSERT, params: [i % 10 === 3 ? 2 * i : 2 * i + 1, null, null] },
      ]),
    );
    const codes = await Promise.all(runs.map(code));
    expect(codes.map((c) => c === 'CONSTRAINT')).toEqual(codes.map((_, i) => i % 10 === 3));
    const rows = await database.all('SELECT id FROM item ORDER BY id');
    const whole = codes.flatMap((_, i) => (i % 10 === 3 ? [] : [2 * i, 2 * i + 1]));
    expect(rows.map((r) => r['id'])).toEqual(whole);
  });

  it('that waits while the disk is busy shares one commit', async () => {
    const database = await open();
    const count = 20_000;
    const runs = Array.from({ length: count }, (_, id) =>
      database.run([{ sql: INSERT, params: [id, Buffer.alloc(100), null] }]),
    );
    await Promise.all(runs);
    expect(await database.all('SELECT count(*) AS n FROM item')).toEqual([{ n: count }]);
  }, 20_000);

  it('of wrong SQL fails alone, with what is wrong', async () => {
    const database = await open();
    const wrong = database.run([{ sql: 'INSERT INTO nowhere VALUES (1)' }]);
    const right = database.run([{ sql: INSERT, params: [1, null, null] }]);
    await expect(wrong).rejects.toThrow(/nowhere/);
    expect(await code(right)).toBe('resolved');
  });

  it('beyond the bound of the queue is refused at once, and the others go on', async () => {
    const database = await open();
    const runs = Array.from({ length: 50_010 }, () => code(database.run([{ sql: 'SELECT 1' }])));
    const codes = await Promise.all(runs);
    expect(codes.filter((c) => c === 'QUEUE_FULL')).toHaveLength(10);
    expect(codes.filter((c) => c === 'resolved')).toHaveLength(50_000);
  }, 20_000);

  it('does not fit on a full disk, and what was there stays', async () => {
    const database = await open({ maxPages: 20 });
    const insert = (id: number, bytes: number): Promise<string> =>
      code(database.run([{ sql: INSERT, params: [id, Buffer.alloc(bytes), null] }]));
    expect(await insert(1, 10)).toBe('resolved');
    const together = await Promise.all([insert(2, 10), insert(3, 200_000), insert(4, 10)]);
    expect(together).toEqual(['resolved', 'DISK_FULL', 'resolved']);
    expect(await insert(5, 10)).toBe('resolved');
    const rows = await database.all('SELECT id FROM item ORDER BY id');
    expect(rows.map((r) => r['id'])).toEqual([1, 2, 4, 5]);
  });
});

describe('a file', () => {
  it('keeps its rows, and is read by its owner only', async () => {
    const first = await open();
    await first.run([{ sql: INSERT, params: [1, null, 'kept'] }]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(`${path}-wal`)).mode & 0o777).toBe(0o600);
    await first.close();
    expect(await (await open()).all('SELECT note FROM item')).toEqual([{ note: 'kept' }]);
  });

  it('is held by one: a second gets BUSY until the first closes', async () => {
    const first = await open();
    expect(await code(open())).toBe('BUSY');
    await first.close();
    expect(await code(open())).toBe('resolved');
  });

  it('is held against another process too', async () => {
    await open();
    expect(await inAnotherProcess(`${OPEN}.then(() => 'opened', (error) => error.code)`)).toBe(
      'BUSY',
    );
  }, 20_000);

  it('of somebody else is refused untouched', async () => {
    await writeFile(path, 'these are my notes\n'.repeat(20));
    expect(await code(open())).toBe('FOREIGN');
    expect(await readFile(path, 'utf8')).toBe('these are my notes\n'.repeat(20));
    expect(await code(stat(`${path}-wal`).catch(() => undefined))).toBe('resolved');
  });

  it('of another application is refused', async () => {
    await (await open({ applicationId: 7 })).close();
    expect(await code(open())).toBe('FOREIGN');
  });

  it('of a later version is refused, of an earlier one migrated', async () => {
    await (await open()).run([{ sql: INSERT, params: [1, null, 'old'] }]);
    await opened.pop()?.close();
    const schema = [...SCHEMA, "ALTER TABLE item ADD COLUMN extra TEXT DEFAULT 'new'"];
    const later = await open({ userVersion: 2, schema });
    expect(await later.all('SELECT note, extra FROM item')).toEqual([
      { note: 'old', extra: 'new' },
    ]);
    await later.close();
    expect(await code(open())).toBe('FOREIGN');
    expect(await code(open({ userVersion: 3, schema: ['SELECT 1'] }))).toBe('resolved');
    await opened.pop()?.close();
    expect(await code(open({ userVersion: 5, schema: ['SELECT 1'] }))).toBe('FOREIGN');
  });

  it('that is damaged says so', async () => {
    const first = await open();
    const runs = Array.from({ length: 500 }, (_, id) =>
      first.run([{ sql: INSERT, params: [id, Buffer.alloc(500), null] }]),
    );
    await Promise.all(runs);
    await first.close();
    const bytes = await readFile(path);
    bytes.fill(0xff, 4096 + 1);
    await writeFile(path, bytes);
    const damaged = await open();
    expect(await code(damaged.all('SELECT * FROM item'))).toBe('CORRUPT');
  });

  it('in a folder that is not there is an I/O error', async () => {
    expect(await code(open({ path: join(folder, 'none', 'a.db') }))).toBe('IO');
  });

  it('holds no byte of what was deleted, after a checkpoint', async () => {
    const database = await open();
    const secret = 'the very secret text ';
    await database.run([{ sql: INSERT, params: [1, Buffer.from(secret.repeat(1000)), 'n'] }]);
    await database.run([{ sql: INSERT, params: [2, Buffer.from('kept in place'), 'm'] }]);
    await database.run([{ sql: 'DELETE FROM item WHERE id = 1' }]);
    await database.checkpoint();
    const bytes = Buffer.concat([await readFile(path), await readFile(`${path}-wal`)]);
    expect(bytes.includes('kept in place')).toBe(true);
    expect(bytes.includes('very secret')).toBe(false);
  });
});

describe('closing', () => {
  it('waits for what was issued, then refuses', async () => {
    const database = await open();
    const run = code(database.run([{ sql: INSERT, params: [1, null, null] }]));
    await database.close();
    await database.close();
    expect(await run).toBe('resolved');
    expect(await code(database.all('SELECT 1'))).toBe('CLOSED');
    expect(await code(database.checkpoint())).toBe('CLOSED');
  });
});

describe('the worker', () => {
  it('that runs out of memory fails what is outstanding, and nothing after it hangs', async () => {
    const database = await open();
    await database.run([{ sql: INSERT, params: [1, null, 'kept'] }]);
    const endless =
      'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT hex(zeroblob(20000)) AS t FROM n';
    const outstanding = [
      database.all(endless),
      database.run([{ sql: 'SELECT 1' }]),
      database.checkpoint(),
    ];
    expect(await Promise.all(outstanding.map(code))).toContain('IO');
    expect(await code(database.all('SELECT 1'))).toBe('CLOSED');
    await database.close();
    expect(await (await open()).all('SELECT note FROM item')).toEqual([{ note: 'kept' }]);
  }, 60_000);

  it('closes the database after a failed write, since a failed fsync cannot be repeated', async () => {
    const insert = (id: number, bytes: number): string =>
      `database.run([{ sql: '${INSERT}', params: [${id}, Buffer.alloc(${bytes}), null] }])`;
    const codes = await inAnotherProcess(
      `${OPEN}.then(async (database) => {
        await ${insert(1, 10)};
        const small = await ${insert(2, 10)}.then(() => 'stored');
        const large = await ${insert(3, 900_000)}.catch((e) => e.code);
        const after = [small, large, await ${insert(4, 10)}.catch((e) => e.code)];
        await database.close();
        return after.join();
      })`,
      { fileBlocks: '400' },
    );
    expect(codes).toBe('stored,IO,CLOSED');
    const rows = await (await open()).all('SELECT id FROM item');
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  }, 20_000);

  it('starts from a build too, without a loader', async () => {
    const build = join(HERE, '..', '.cache', 'build');
    const tsc = join(HERE, '../../../node_modules/typescript/bin/tsc');
    const info = ['--tsBuildInfoFile', join(build, '.tsbuildinfo')];
    await run(process.execPath, [tsc, '-p', join(HERE, '..'), '--outDir', build, ...info]);
    try {
      const from = join(build, 'index.js');
      const asked = `${OPEN}.then((database) => database.all('SELECT 41 + 1 AS n')).then(([row]) => row.n)`;
      expect(await inAnotherProcess(asked, { from, args: [] })).toBe('42');
    } finally {
      await rm(build, { recursive: true });
    }
  }, 60_000);
});
