import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  RolePasswordConnector,
  thumbprintOf,
  type RolePasswordParams,
} from '@countersign/connectors';
import { readPostgresLog, type TargetRecord } from '@countersign/connectors/records';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { compactDecrypt, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesHolding } from '../support/file-scan.ts';
import { told } from '../support/guarded-case.ts';
import { guardedCase } from '../support/guarded-case-contract.ts';
import { CommitCutter } from '../support/postgres/commit-cutter.ts';
import { startLocalPostgres, type LocalPostgres } from '../support/postgres/local-postgres.ts';
import { runSql } from '../support/postgres/scratch-schema.ts';

const OLD = 'the-old-password';
const WORKLOAD = 'spiffe://example.org/billing';
const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };

/** Of our own: it logs every statement with the name of the application, as an auditor would want it to. */
let server: LocalPostgres;
let log: string;
let systemId: string;
let cutter: CommitCutter;
let folder: string;
let roleOid: number;
let privateKey: CryptoKey;
let publicKey: JWK;

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
  const pair = await generateKeyPair('ECDH-ES', { crv: 'X25519' });
  privateKey = pair.privateKey;
  publicKey = await exportJWK(pair.publicKey);
}

async function found(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'countersign-rotate-'));
  cutter = await CommitCutter.start(server.url);
  const rows = await runSql(
    server.url,
    'drop role if exists app',
    `create role app login password '${OLD}'`,
    "select oid::int8::text as oid from pg_roles where rolname = 'app'",
  );
  roleOid = Number((rows as [{ oid: string }])[0].oid);
}

async function close(): Promise<void> {
  await cutter.stop();
  await rm(folder, { recursive: true, force: true });
}

function connector(): RolePasswordConnector {
  return new RolePasswordConnector({
    connection: { connectionString: cutter.url },
    delivery: { consumers: { [WORKLOAD]: publicKey }, folder: join(folder, 'delivery') },
    journal: join(folder, 'journal'),
  });
}

async function params(changes: Partial<RolePasswordParams> = {}): Promise<RolePasswordParams> {
  return {
    key: {
      kind: 'postgresql-role-password',
      cluster_id: systemId,
      role_oid: roleOid,
      role_name: 'app',
    },
    new_material: { consumer: WORKLOAD, key_thumbprint: await thumbprintOf(publicKey) },
    old_key_action: 'revoke',
    overlap_seconds: 0,
    consumers: [{ id: 'billing' }],
    ...changes,
  };
}

async function delivered(): Promise<string> {
  const jwe = await readFile(join(folder, 'delivery', 'VFCDVZ5H41H6NGY8.jwe'), 'utf8');
  const { plaintext } = await compactDecrypt(jwe, privateKey);
  return new TextDecoder().decode(plaintext);
}

interface RoleRow {
  readonly rolname: string;
  readonly rolpassword: string;
  readonly note: string | null;
}

async function rolesNow(): Promise<RoleRow[]> {
  const rows = await runSql(
    server.url,
    `select rolname, rolpassword, shobj_description(oid, 'pg_authid') as note
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

async function loggedIn(application: string): Promise<Client> {
  const url = new URL(server.url);
  url.username = 'app';
  url.password = OLD;
  const client = new Client({ connectionString: url.href, application_name: application });
  await client.connect();
  return client;
}

/** In files of the server's own: the log in words that is there belongs to who started the server. */
async function logAsJson(): Promise<void> {
  await runSql(
    server.url,
    'alter system set logging_collector = on',
    "alter system set log_destination = 'stderr,jsonlog'",
    `alter system set log_directory = '${dirname(log)}'`,
    "alter system set log_filename = 'collected.log'",
    "alter system set log_timezone = 'UTC'",
  );
  await server.down();
  await server.up();
  log = join(dirname(log), 'collected.log');
}

/** What the server itself has logged since the stage was set. */
async function record(): Promise<TargetRecord> {
  // The server writes its log a little later.
  const mark = randomUUID();
  await runSql(server.url, `select '${mark}'`);
  const path = log.replace(/\.log$/, '.json');
  const logged = (): Promise<string> => readFile(path, 'utf8');
  await expect.poll(logged, { timeout: 20_000, interval: 200 }).toContain(mark);
  const { effects, ...told } = readPostgresLog(Buffer.from(await logged()));
  return { ...told, effects: effects.filter(({ at }) => at >= setAt) };
}

/** When a stage was set, and the roles as they were then. */
let setAt: string;
let set: RoleRow[];

async function open(): Promise<ConnectorStage<RolePasswordParams>> {
  await found();
  set = await rolesNow();
  setAt = new Date().toISOString();
  return {
    connector: connector(),
    params: await params(),
    others: await params({ consumers: [] }),
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

guardedCase('the password of a PostgreSQL role', {
  type: 'key.rotate',
  ...{ open, close },
  start: async () => {
    await start();
    await logAsJson();
  },
  stop: () => server.stop(),
  asked: (shown) => ({
    ...shown,
    consumers: shown.consumers.map(({ id }) => ({
      id,
      last_seen: '2026-11-22T16:00:00.000Z',
      verified: true,
    })),
    job_id: 'rot-9917',
  }),
  silence: () => {
    cutter.cutNextCommit('silent');
    return Promise.resolve();
  },
  record,
  feared: [
    {
      name: 'A07: does not cut off somebody who is logged in and whom nobody has listed',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => {
        const approved = await of.approved();
        const stranger = await loggedIn('reporting');
        const answer = told(await of.run(approved));
        await stranger.end();
        return answer;
      },
    },
    {
      name: 'A10: does not rotate another role that has got the name',
      answer: 'refused PRECONDITION_UNREADABLE',
      attempt: async (of) => {
        const approved = await of.approved();
        await runSql(server.url, 'drop role app', `create role app login password '${OLD}'`);
        set = await rolesNow();
        return told(await of.run(approved));
      },
    },
  ],
});

describe('a rotated password', () => {
  beforeAll(start);
  afterAll(() => server.stop());
  beforeEach(found);
  afterEach(close);

  async function rotate(what: RolePasswordParams): ReturnType<RolePasswordConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'c4'.repeat(32) };
    return connector().execute(use);
  }

  it('logs in, the old one no longer, and the role says by which use', async () => {
    expect(await rotate(await params())).toMatchObject({ result: 'succeeded' });
    expect(await logsIn('app', await delivered())).toBe(true);
    expect(await logsIn('app', OLD)).toBe(false);
    expect((await rolesNow())[0]?.note).toBe('countersign-use cs-5H41H6NGY8');
  });

  it('H09: is in no log, record or file, but sealed to its consumer', async () => {
    await rotate(await params());
    const password = await delivered();
    expect(await readFile(log, 'utf8')).toContain('countersign use cs-5H41H6NGY8');
    for (const place of [dirname(log), folder]) {
      expect(await filesHolding(place, password)).toEqual([]);
    }
  });

  it('A07: is refused when somebody is logged in whom nobody has listed', async () => {
    const what = await params();
    const preconditions = await connector().preconditions(what);
    const stranger = await loggedIn('reporting');
    const use = { ...USE, params: what, preconditions, idempotencyKey: 'c4'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({ code: 'PRECONDITION_STALE' });
    await stranger.end();
  });

  it('A07: is refused for them also where they were there when it was approved', async () => {
    const before = await rolesNow();
    const [stranger, listed] = [await loggedIn('reporting'), await loggedIn('billing')];
    expect(await rotate(await params())).toMatchObject({
      result: 'failed',
      code: 'PRECONDITION_STALE',
    });
    expect(await rolesNow()).toEqual(before);
    await stranger.end();
    await listed.end();
  });

  it.each([
    ['of another cluster', { cluster_id: '1234567890123456789' }, 'TARGET_UNKNOWN'],
    ['of another role of the same name', { role_oid: 4 }, 'TARGET_UNKNOWN'],
  ])('is refused for a key %s', async (_, key, code) => {
    const what = await params();
    const wrong = { ...what, key: { ...what.key, ...key } };
    const use = { ...USE, params: wrong, preconditions: {}, idempotencyKey: 'c4'.repeat(32) };
    expect(await connector().execute(use)).toMatchObject({ result: 'failed', code });
  });

  it('is not set for a consumer whose key is not enrolled here', async () => {
    const before = await rolesNow();
    const material = { consumer: WORKLOAD, key_thumbprint: `sha256:${'0'.repeat(64)}` } as const;
    expect(await rotate(await params({ new_material: material }))).toMatchObject({
      result: 'failed',
      code: 'TARGET_UNKNOWN',
    });
    expect(await rolesNow()).toEqual(before);
  });

  it('leaves no half of a change where the commit does not reach the server', async () => {
    const before = await rolesNow();
    cutter.cutNextCommit('before');
    expect(await rotate(await params())).toMatchObject({
      result: 'unknown',
      code: 'OUTCOME_UNKNOWN',
    });
    expect(await rolesNow()).toEqual(before);
  });
});
