import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { openSqliteStore, type RowChange } from '@countersign/store';
import { openPostgresStore, type PostgresStore } from '@countersign/store-postgres';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { CommitCutter } from '../support/postgres/commit-cutter.ts';
import { dropSchema, newSchema, runSql } from '../support/postgres/scratch-schema.ts';

const url = inject('postgresUrl');
const LOST_WORD_MS = 250;

let schema: string;
let opened: PostgresStore[] = [];

beforeEach(() => {
  schema = newSchema();
});

afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
  opened = [];
  await dropSchema(url, schema);
});

async function open(through: string = url): Promise<PostgresStore> {
  const store = await openPostgresStore({ url: through, schema });
  opened.push(store);
  return store;
}

function position(nextOffset: number): NonNullable<Parameters<PostgresStore['apply']>[0]['log']> {
  const to = { nextOffset, size: nextOffset, hashes: [], intakeOffset: 0, epoch: 'e' };
  return { from: nextOffset - 1, to };
}

const ROWS: RowChange[] = [
  {
    change: 'entry',
    row: {
      ...{ index: 2 ** 53 - 1, type: 't', at: 'a', tenant: 'acmé', actionId: null, leaf: 'l' },
      bytes: Uint8Array.of(0, 1, 127, 128, 255),
    },
  },
  { change: 'node', row: { level: 1, index: 3, hash: new Uint8Array(32).fill(200) } },
  // By their bytes 'Z' is before 'a', and by those of UTF-8 U+FF61 before U+1F600: in many languages neither is.
  ...['a', 'Z', '｡', '😀', 'ä', '{"a",\\}'].map((text): RowChange => ({
    change: 'document',
    digest: text,
    text: `${text}\n"'`,
  })),
];

describe('what the store holds', () => {
  it('gives the digest that a SQLite store of the same rows gives', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'store-'));
    const file = await openSqliteStore(path.join(folder, 'read-models.db'));
    const store = await open();
    for (const models of [file, store]) await models.apply({ rows: ROWS });
    expect(await store.dump()).toBe(await file.dump());
    await file.close();
    await rm(folder, { recursive: true });
  });

  it('comes back as numbers and bytes of its own', async () => {
    const store = await open();
    await store.apply({ rows: ROWS });
    const [entry] = await store.entries(0, 1);
    expect(entry?.index).toBe(2 ** 53 - 1);
    expect(entry?.bytes.constructor).toBe(Uint8Array);
    await runSql(url, `update ${schema}.entries set idx = 9007199254740993`);
    await expect(store.entries(0, 1)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

describe('a schema', () => {
  it('is made once by all who open it at once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open()));
    await stores[0]?.apply({ rows: ROWS });
    expect(new Set(await Promise.all(stores.map((store) => store.dump()))).size).toBe(1);
  });

  it.each([
    ['that holds something else', ['create table %.entries (idx int)']],
    ['of a layout that is none of ours', ['create table %.layout (product text, version bigint)']],
    ['of a layout of other columns', ['create table %.layout (name text)']],
  ])('%s is STORE_CORRUPT, and is left as it is', async (_, statements) => {
    const made = statements.map((statement) => statement.replace('%', schema));
    await runSql(url, `create schema ${schema}`, ...made);
    await expect(open()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    const tables = `select 1 from pg_tables where schemaname = '${schema}'`;
    expect(await runSql(url, tables)).toHaveLength(1);
  });

  it('of an earlier release gets the indexes that it lacks, from who owns it', async () => {
    const indexes = `select indexname from pg_indexes where schemaname = '${schema}' order by 1`;
    const store = await open();
    await store.apply({ rows: ROWS });
    const all = await runSql(url, indexes);
    await runSql(url, `drop index ${schema}.entries_by_leaf`);
    expect(await runSql(url, indexes)).not.toEqual(all);
    await Promise.all([open(), open()]);
    expect(await runSql(url, indexes)).toEqual(all);
  });

  it('of a newer release is STORE_CORRUPT, also for who has it open', async () => {
    const store = await open();
    await runSql(url, `update ${schema}.layout set version = 3`);
    await expect(open()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(store.apply({ rows: ROWS })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('of the release before is read again, and keeps how far the router is', async () => {
    const store = await open();
    const side = [{ topic: 'action-requested', from: 0, to: 7 }] as const;
    await store.apply({ rows: ROWS, log: position(1), side });
    await runSql(
      url,
      `drop table ${['uses', 'cosigned', 'decided', 'former_members'].map((name) => `${schema}.${name}`).join(', ')}`,
      `update ${schema}.layout set version = 1`,
    );
    // Whoever comes at the same time finds it done.
    const [next] = await Promise.all([open(), open()]);
    expect(await next.logPosition()).toBeUndefined();
    expect(await next.sidePosition('action-requested')).toBe(7);
    expect(await next.document('Z')).toBeUndefined();
    const row = { index: 4, tenant: 'acme', actionId: 'a', useId: 'u', shortId: 'cs-1', at: 't' };
    await next.apply({ rows: [{ change: 'use', row }], log: position(1) });
    expect(await next.usesCalled('acme', 'cs-1')).toEqual([row]);
    // Once is enough.
    expect(await (await open()).usesCalled('acme', 'cs-1')).toEqual([row]);
  });

  it.each(['', 'Upper', 'a-b', 'a"b', 'pg_own', 'x'.repeat(49)])(
    'of the name "%s" is STORE_SETTINGS',
    async (name) => {
      const opening = openPostgresStore({ url, schema: name });
      await expect(opening).rejects.toMatchObject({ code: 'STORE_SETTINGS' });
    },
  );
});

describe('a role', () => {
  const password = 'swordfish-4711';
  let role: string;

  const urlOf = (change: (given: URL) => void): string => {
    const given = new URL(url);
    given.username = role;
    given.password = password;
    change(given);
    return given.href;
  };

  const openedAs = async (through: string): Promise<unknown> =>
    open(through).then(
      () => undefined,
      (error: unknown) => error,
    );

  beforeEach(async () => {
    role = `${schema}_role`;
    await runSql(url, `create role ${role} login password '${password}'`);
  });

  afterEach(async () => {
    await runSql(url, `drop owned by ${role}`, `drop role ${role}`);
  });

  it('H08: that is refused is STORE_SETTINGS, and its password is in no error', async () => {
    const asked = [
      urlOf((given) => (given.password = `not-${password}`)),
      urlOf((given) => (given.pathname = '/no-such-database')),
      // May not make schemas.
      urlOf(() => undefined),
      url.replace(/^.*@/, `postgres//${role}:${password}@`),
      `postgres://${role}:${password}@[no-host/db`,
    ];
    for (const through of asked) {
      const error = await openedAs(through);
      expect(error).toMatchObject({ name: 'StoreError', code: 'STORE_SETTINGS' });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password);
    }
  });

  it.each<[string, (given: URL) => unknown, RegExp]>([
    [
      'a wrong password',
      (given) => (given.password = 'x'),
      /28P01: expected the password.*\ncheck/,
    ],
    ['no database', (given) => (given.pathname = '/none'), /3D000: expected a database.*\nmake it/],
    ['no right', () => undefined, /42501: expected a role that may.*\ndocs\/postgres\.md/],
  ])('with %s says what was expected, and what mends it', async (_, change, message) => {
    expect(String(await openedAs(urlOf(change)))).toMatch(message);
  });

  it('that asks for TLS where there is none is STORE_SETTINGS', async () => {
    if (process.env['COUNTERSIGN_POSTGRES_URL'] !== undefined) return;
    const opening = openPostgresStore({ url, schema, ssl: true });
    await expect(opening).rejects.toMatchObject({ code: 'STORE_SETTINGS' });
  });

  it('with the grants of the manual writes, and one with fewer reads only', async () => {
    await open();
    await runSql(
      url,
      `grant usage on schema ${schema} to ${role}`,
      `grant select on all tables in schema ${schema} to ${role}`,
    );
    const reader = await open(urlOf(() => undefined));
    expect(await reader.entries(0, 1)).toEqual([]);
    await expect(reader.apply({ rows: ROWS })).rejects.toMatchObject({ code: 'STORE_SETTINGS' });
    await runSql(
      url,
      `grant insert, update, delete, truncate on all tables in schema ${schema} to ${role}`,
    );
    await reader.apply({ rows: ROWS });
    expect(await reader.entries(0, 1)).toHaveLength(1);
    await reader.clear();
  });

  it('with too many connections is STORE_UNAVAILABLE until one is free', async () => {
    await open();
    await runSql(
      url,
      `grant usage on schema ${schema} to ${role}`,
      `grant select on all tables in schema ${schema} to ${role}`,
      `alter role ${role} connection limit 1`,
    );
    const through = urlOf(() => undefined);
    const other = new Client({ connectionString: through });
    await other.connect();
    expect(await openedAs(through)).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await other.end();
    await expect.poll(() => openedAs(through), { timeout: 10_000 }).toBeUndefined();
  });
});

describe('a commit', () => {
  it.each(['before', 'after'] as const)(
    'that is cut %s it arrives is STORE_UNAVAILABLE, and done once whoever asks again',
    async (cut) => {
      const cutter = await CommitCutter.start(url);
      const store = await open(cutter.url);
      const log = position(1);
      cutter.cutNextCommit(cut);
      await expect(store.apply({ rows: ROWS, log })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      });
      expect(cutter.cuts).toBe(1);
      const again = store.apply({ rows: ROWS, log });
      if (cut === 'before') await again;
      else await expect(again).rejects.toMatchObject({ code: 'STORE_MOVED' });
      expect((await store.logPosition())?.nextOffset).toBe(1);
      expect(await store.entries(0, 10)).toHaveLength(1);
      await store.close();
      opened = opened.filter((one) => one !== store);
      await cutter.stop();
    },
  );

  it('does not wait for ever for a writer that is paused within its transaction', async () => {
    const store = await open();
    const paused = new Client({
      connectionString: url,
      // As every connection of a store has it.
      idle_in_transaction_session_timeout: 1_000,
    });
    paused.on('error', () => undefined);
    await paused.connect();
    await paused.query('begin');
    await paused.query(`select * from ${schema}.layout for update`);
    const startMs = Date.now();
    await store.apply({ rows: ROWS });
    expect(Date.now() - startMs).toBeGreaterThan(500);
    await expect(paused.query('commit')).rejects.toThrow();
  });
});

describe('the word of a change', () => {
  async function heard(store: PostgresStore): Promise<{ times: number[]; end: () => void }> {
    const times: number[] = [];
    const end = store.onChange(() => times.push(Date.now()));
    await sleep(600);
    return { times, end };
  }

  it('comes at once, and for sure within a quarter of a second', async () => {
    const [writer, reader] = [await open(), await open()];
    const { times, end } = await heard(reader);
    let soonest = Infinity;
    for (let n = 0; n < 5; n += 1) {
      const count = times.length;
      await writer.apply({ rows: ROWS });
      const startMs = Date.now();
      await expect.poll(() => times.length, { interval: 1 }).toBeGreaterThan(count);
      const tookMs = Date.now() - startMs;
      expect(tookMs).toBeLessThan(LOST_WORD_MS + 200);
      soonest = Math.min(soonest, tookMs);
      await sleep(60);
    }
    expect(soonest).toBeLessThan(50);
    end();
    const count = times.length;
    await writer.apply({ rows: ROWS });
    await sleep(400);
    expect(times.length).toBe(count);
  });

  it('comes late while its connection is cut, and at once when it is back', async () => {
    const [writer, reader] = [await open(), await open()];
    const { times, end } = await heard(reader);
    const listeners = `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen ${schema}_changed'`;
    expect(await runSql(url, listeners)).toHaveLength(1);
    const startMs = Date.now();
    await expect.poll(() => times.some((at) => at > startMs)).toBe(true);
    await expect
      .poll(() => runSql(url, listeners.replace('pg_terminate_backend(pid)', '1')))
      .toHaveLength(1);
    await writer.apply({ rows: ROWS });
    end();
  });
});
