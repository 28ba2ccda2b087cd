import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RolePasswordConnector, type RotateParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CommitCutter } from '../support/postgres/commit-cutter.ts';
import { startLocalPostgres, type LocalPostgres } from '../support/postgres/local-postgres.ts';
import { runSql } from '../support/postgres/scratch-schema.ts';

const OLD = 'the-old-password';
const OLD_UNTIL = '2030-01-01T00:00:00.000Z';
const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };

/** Of our own: it logs every statement with the name of the application, as an auditor would want it to. */
let server: LocalPostgres;
let log: string;
let systemId: string;
let cutter: CommitCutter;
let folder: string;

async function start(): Promise<void> {
  server = await startLocalPostgres();
  const rows = await runSql(
    server.url,
    "alter system set log_line_prefix = '%m [%p] %a '",
    "alter system set log_statement = 'all'",
    'select pg_reload_conf()',
    "select system_identifier::text as id, current_setting('data_directory') as data from pg_control_system()",
  );
  const [{ id, data }] = rows as [{ id: string; data: string }];
  systemId = id;
  log = join(dirname(data), 'server.log');
}

async function found(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'countersign-rotate-'));
  cutter = await CommitCutter.start(server.url);
  const roles = ['app', 'app_a', 'app_b'];
  await runSql(
    server.url,
    ...roles.map((role) => `drop role if exists ${role}`),
    ...roles.map((role) => `create role ${role} login password '${OLD}'`),
  );
}

async function close(): Promise<void> {
  await cutter.stop();
  await rm(folder, { recursive: true, force: true });
}

function connector(): RolePasswordConnector {
  return new RolePasswordConnector({
    connection: { connectionString: cutter.url },
    sink: join(folder, 'sink'),
    journal: join(folder, 'journal'),
  });
}

function single(): RotateParams {
  return {
    system: 'postgresql-role-password',
    key_ref: `postgresql:${systemId}:app`,
    current_version: 'app',
    new_material: { origin: 'generated-by-executor', algorithm: 'SCRAM-SHA-256' },
    old_key_action: 'revoke',
    overlap_seconds: 0,
    consumers: [],
  };
}

function pair(): RotateParams {
  return {
    ...single(),
    current_version: 'app_a',
    old_key_action: 'keep',
    old_key_at: OLD_UNTIL,
    overlap_seconds: 86_400,
    consumers: [{ id: 'billing', last_seen: '2026-11-22T16:00:00.000Z', verified: true }],
  };
}

interface RoleRow {
  readonly rolname: string;
  readonly rolpassword: string;
  readonly until: string | null;
  readonly note: string | null;
}

async function rolesNow(): Promise<RoleRow[]> {
  const rows = await runSql(
    server.url,
    `select rolname, rolpassword, to_char(rolvaliduntil at time zone 'utc', 'YYYY-MM-DD') as until,
       shobj_description(oid, 'pg_authid') as note
     from pg_authid where rolname like 'app%' order by 1`,
  );
  return rows as RoleRow[];
}

async function logsIn(user: string, password: string): Promise<boolean> {
  const url = new URL(server.url);
  url.username = user;
  url.password = password;
  try {
    await runSql(url.href, 'select 1');
    return true;
  } catch {
    return false;
  }
}

async function open(): Promise<ConnectorStage<RotateParams>> {
  await found();
  let set = await rolesNow();
  return {
    connector: connector(),
    params: single(),
    others: { ...single(), new_material: { origin: 'generated-by-executor', algorithm: 'other' } },
    restarted: connector,
    moveTarget: async () => {
      await runSql(server.url, "alter role app password 'somebody-else-was-here'");
      set = await rolesNow();
    },
    targetState: rolesNow,
    effects: async () => {
      const changed = (await rolesNow()).filter(
        (row, at) => row.rolpassword !== set[at]?.rolpassword,
      );
      return changed.length;
    },
    targetRecord: () => readFile(log, 'utf8'),
    loseAnswers: () => {
      cutter.cutNextCommit('after');
      return Promise.resolve();
    },
    cutOff: () => cutter.stop(),
  };
}

connectorContract('passwords of PostgreSQL roles', {
  open,
  close,
  start,
  stop: () => server.stop(),
});

describe('a rotated password', () => {
  beforeAll(start);
  afterAll(() => server.stop());
  beforeEach(found);
  afterEach(close);

  async function rotate(params: RotateParams): ReturnType<RolePasswordConnector['execute']> {
    const preconditions = await connector().preconditions(params);
    return connector().execute({ ...USE, params, preconditions, idempotencyKey: 'c4'.repeat(32) });
  }

  it('logs in, the old one no longer, and the role says by which use', async () => {
    expect(await rotate(single())).toMatchObject({ result: 'succeeded' });
    const password = await readFile(join(folder, 'sink', 'app'), 'utf8');
    expect(await logsIn('app', password)).toBe(true);
    expect(await logsIn('app', OLD)).toBe(false);
    expect((await rolesNow())[0]?.note).toBe('countersign-use cs-5H41H6NGY8');
  });

  it('H09: is in no log, record or file but the one that it is delivered to', async () => {
    await rotate(single());
    const password = await readFile(join(folder, 'sink', 'app'), 'utf8');
    const journal = (await readdir(join(folder, 'journal'))).map((name) =>
      join(folder, 'journal', name),
    );
    const texts = await Promise.all([log, ...journal].map((path) => readFile(path, 'utf8')));
    expect(texts.length).toBe(3);
    expect(texts[0]).toContain('countersign use cs-5H41H6NGY8');
    for (const text of texts) expect(text.includes(password)).toBe(false);
  });

  it('overlaps with the old one, which ends when it was approved to', async () => {
    expect(await rotate(pair())).toMatchObject({ result: 'succeeded' });
    const password = await readFile(join(folder, 'sink', 'app_b'), 'utf8');
    expect(await logsIn('app_b', password)).toBe(true);
    expect(await logsIn('app_a', OLD)).toBe(true);
    expect(await rolesNow()).toMatchObject([{}, { until: '2030-01-01' }, { until: null }]);
  });

  it('A07: is refused when somebody is logged in whom nobody has listed', async () => {
    const params = pair();
    const preconditions = await connector().preconditions(params);
    const url = new URL(server.url);
    url.username = 'app_a';
    url.password = OLD;
    const stranger = new Client({ connectionString: url.href, application_name: 'reporting' });
    await stranger.connect();
    const use = { ...USE, params, preconditions, idempotencyKey: 'c4'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({ code: 'PRECONDITION_STALE' });
    await stranger.end();
  });

  it('is refused for a server that nobody has approved', async () => {
    const params = { ...single(), key_ref: 'postgresql:1234567890123456789:app' };
    const use = { ...USE, params, preconditions: {}, idempotencyKey: 'c4'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({
      result: 'failed',
      code: 'TARGET_UNKNOWN',
    });
  });

  it('leaves no half of a change where the commit does not reach the server', async () => {
    const before = await rolesNow();
    cutter.cutNextCommit('before');
    expect(await rotate(pair())).toMatchObject({ result: 'unknown', code: 'OUTCOME_UNKNOWN' });
    expect(await rolesNow()).toEqual(before);
  });
});
