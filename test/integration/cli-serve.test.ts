import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '@countersign/sqlite';
import { approve, type CliLedger, countersign, CliProcess } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';
import { freePort } from '../support/free-port.ts';

const { create: unstarted, start: started } = ledgersOfTests();

async function occupied(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** What a start that was refused said. */
async function refusedStart(ledger: CliLedger, ...more: string[]): Promise<string> {
  const { exit, stdout, stderr } = await countersign(['serve', '--data', ledger.data, ...more]);
  expect(exit).toBe(1);
  expect(stdout).toBe('');
  // Two short lines for a person: a code with plain words, what to do; no stack.
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  return /^countersign: ([A-Z_]+): /.exec(stderr)?.[1] ?? stderr;
}

/** As somebody does who edits the file by hand: what the file says of its own ends stays. */
async function takeLastRecord(path: string, topic: string): Promise<void> {
  const database = await openDatabase({
    path,
    applicationId: 0x43534252,
    userVersion: 2,
    schema: [''],
  });
  const last = '(SELECT max(pos) FROM record WHERE topic = ?1)';
  const sql = `DELETE FROM record WHERE topic = ?1 AND pos = ${last}`;
  const [taken] = await database.run([{ sql, params: [topic] }]);
  expect(taken?.changes).toBe(1);
  await database.checkpoint();
  await database.close();
}

describe('the first start', () => {
  it('founds a ledger, keeps its secrets to its owner, and never puts the link into a pipe', async () => {
    const ledger = await started();
    const link = (await readFile(`${ledger.data}/enrolment-link.txt`, 'utf8')).trim();
    expect(link).toMatch(new RegExp(`^${ledger.url}/enrol#i=[A-Za-z0-9_-]+&p=prs_[0-9A-Z]{26}&t=`));
    const keys = ['log', 'operator', 'agent', 'executor', 'mcp-gate'].map((name) => `${name}.key`);
    const secrets = [...keys, 'read.token'];
    for (const path of ['enrolment-link.txt', ...secrets.map((name) => `keys/${name}`)]) {
      expect((await stat(`${ledger.data}/${path}`)).mode & 0o777).toBe(0o600);
    }
    expect((await stat(ledger.data)).mode & 0o777).toBe(0o700);
    const { exit, stdout, stderr } = await ledger.stop();
    expect(exit).toBe(0);
    expect(stdout).toContain(`${ledger.data}/trust.json`);
    expect(stdout + stderr).not.toContain('#i=');
    const json = new CliProcess(['serve', '--data', ledger.data, '--json']);
    await json.said(/"event":"ready"/);
    expect(JSON.stringify(await json.signal('SIGTERM'))).not.toContain('#i=');
  });

  it('says on Ctrl-C that it has stopped, and that nothing is lost', async () => {
    const ledger = await started();
    const { exit, stdout } = await ledger.stop('SIGINT');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/Stopped \(SIGINT\)/);
  });

  it('refuses a port that another program has, and leaves no folder behind', async () => {
    const ledger = await unstarted();
    const other = await occupied(ledger.port);
    try {
      expect(await refusedStart(ledger, '--port', String(ledger.port))).toBe('PORT_BUSY');
      expect(await readdir(ledger.folder)).toEqual([]);
    } finally {
      other.close();
    }
  });

  it('refuses a folder that holds something else, and changes nothing in it', async () => {
    const ledger = await unstarted();
    await mkdir(ledger.data);
    await writeFile(`${ledger.data}/thesis.txt`, 'do not touch');
    expect(await refusedStart(ledger, '--port', String(ledger.port))).toBe('DATA_FOREIGN');
    expect(await readdir(ledger.data)).toEqual(['thesis.txt']);
  });

  it('says that the disk is full, and goes on once there is room', async () => {
    const ledger = await unstarted();
    const port = ['--port', String(ledger.port)];
    const full = await countersign(['serve', '--data', ledger.data, ...port], {
      before: "trap '' XFSZ; ulimit -f 0",
    });
    expect(full.stderr).toMatch(/^countersign: DISK_FULL: /);
    expect(full.exit).toBe(1);
    await ledger.serve(...port);
    expect((await ledger.stop()).exit).toBe(0);
  });

  it('goes on with what `init` has founded', async () => {
    const ledger = await unstarted();
    const args = ['--data', ledger.data, '--port', String(ledger.port)];
    const { exit, stdout } = await countersign(['init', ...args, '--demo', '--json']);
    expect(exit).toBe(0);
    const { genesis } = JSON.parse(stdout) as { genesis: string };
    await ledger.serve();
    const answer = (await (await fetch(`${ledger.url}/v1/ledger`)).json()) as object;
    expect(answer).toMatchObject({ genesis, demo: true });
  });
});

describe('a later start', () => {
  it('continues the same ledger with all that it held', async () => {
    const ledger = await started();
    const person = await ledger.founder();
    const before = (await (await fetch(`${ledger.url}/v1/ledger`)).json()) as { log_size: number };
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
    await exec.signal('SIGINT');
    await ledger.stop();
    await ledger.serve();
    const after: unknown = await (await fetch(`${ledger.url}/v1/ledger`)).json();
    // What was asked meanwhile is one entry.
    expect(after).toEqual({ ...before, log_size: before.log_size + 1 });
    await person.signIn();
    await approve(person, id);
    const resumed = await ledger.run('exec', ['--resume', id]).ended;
    expect(resumed).toMatchObject({ exit: 0, stdout: 'hi\n' });
  });

  it('takes the enrolment link away once it was used', async () => {
    const ledger = await started();
    await ledger.founder();
    await expect
      .poll(() => readdir(ledger.data), { timeout: 20_000 })
      .not.toContain('enrolment-link.txt');
  });

  it('refuses a second process on the same folder', async () => {
    const ledger = await started();
    expect(await refusedStart(ledger)).toBe('DATA_BUSY');
    expect(await (await fetch(`${ledger.url}/healthz`)).json()).toEqual({ status: 'ok' });
  });

  it('refuses a busy port without another try elsewhere', async () => {
    const ledger = await started();
    await ledger.stop();
    const other = await occupied(ledger.port);
    expect(await refusedStart(ledger)).toBe('PORT_BUSY');
    other.close();
  });

  it('refuses to become another ledger than was founded', async () => {
    const ledger = await started();
    await ledger.stop();
    for (const more of [
      ['--demo'],
      ['--port', String(await freePort())],
      ['--separation', 'full'],
    ]) {
      expect(await refusedStart(ledger, ...more)).toBe('DATA_OTHER_FOUNDING');
    }
  });

  it('refuses keys that others can read', async () => {
    const ledger = await started();
    await ledger.stop();
    for (const name of ['log.key', 'executor.key', 'read.token']) {
      await chmod(`${ledger.data}/keys/${name}`, 0o640);
      expect(await refusedStart(ledger)).toBe('KEY_FILE_PERMISSIONS');
      await chmod(`${ledger.data}/keys/${name}`, 0o600);
    }
  });

  it('never replaces a log key that is lost or broken', async () => {
    const ledger = await started();
    await ledger.stop();
    await writeFile(`${ledger.data}/keys/log.key`, 'rubbish');
    expect(await refusedStart(ledger)).toBe('KEY_FILE_INVALID');
    await copyFile(`${ledger.data}/keys/agent.key`, `${ledger.data}/keys/log.key`);
    expect(await refusedStart(ledger)).toBe('FOREIGN_LEDGER');
  });

  it('refuses damaged files, and leaves them as they are', async () => {
    const ledger = await started();
    await ledger.stop();
    const path = `${ledger.data}/broker.db`;
    const good = await readFile(path);
    // The header, the tables, and one byte of the first entry.
    for (const [at, bytes] of [
      [0, 200],
      [100, 60],
      [good.indexOf('ledger-founded'), 1],
    ] as const) {
      const damaged = Buffer.from(good);
      damaged.fill(0x5a, at, at + bytes);
      await writeFile(path, damaged);
      expect(['DATA_DAMAGED', 'DATA_FOREIGN']).toContain(await refusedStart(ledger));
      expect(Buffer.compare(await readFile(path), damaged)).toBe(0);
    }
    await writeFile(path, good);
    await writeFile(`${ledger.data}/ledger.json`, '{"v":');
    expect(await refusedStart(ledger)).toBe('DATA_DAMAGED');
  });

  it('refuses a log that was put back to an earlier state, or away', async () => {
    const ledger = await started();
    await ledger.stop();
    await cp(ledger.data, ledger.at('backup'), { recursive: true });
    await ledger.serve();
    const { exec } = await ledger.ask(['--', '/bin/echo', 'hi']);
    await exec.signal('SIGINT');
    await ledger.stop();
    await copyFile(ledger.at('backup', 'broker.db'), `${ledger.data}/broker.db`);
    expect(await refusedStart(ledger)).toBe('LOG_ROLLBACK');
    await writeFile(`${ledger.data}/broker.db`, '');
    expect(await refusedStart(ledger)).toBe('LOG_ROLLBACK');
  });

  it('C14: refuses a topic from whose end a record was taken', async () => {
    const ledger = await started();
    const { exec } = await ledger.ask(['--', '/bin/echo', 'hi']);
    await exec.signal('SIGINT');
    await ledger.stop();
    const path = `${ledger.data}/broker.db`;
    const whole = await readFile(path);
    for (const [topic, code] of [
      ['log', 'LOG_ROLLBACK'],
      ['intake', 'DATA_DAMAGED'],
      ['content', 'DATA_DAMAGED'],
    ] as const) {
      await writeFile(path, whole);
      await takeLastRecord(path, topic);
      expect([topic, await refusedStart(ledger)]).toEqual([topic, code]);
    }
  });

  it('refuses a ledger.json that says something else than the log was founded as', async () => {
    const ledger = await started();
    await ledger.stop();
    const path = `${ledger.data}/ledger.json`;
    const mark = await readFile(path, 'utf8');
    for (const changed of [
      mark.replace('"demo":false', '"demo":true'),
      mark.replace('"separation":"solo"', '"separation":"full"'),
      mark.replace(`"url":"${ledger.url}"`, '"url":"http://evil.example"'),
      mark.replace('"rp_id":"localhost"', '"rp_id":"evil.example"'),
      mark.replace(/"founder":"prs_[^"]+"/, '"founder":"prs_01JD3ZQ5Y0W9V8X7T6S5R4Q3P2"'),
    ]) {
      expect(changed).not.toBe(mark);
      await writeFile(path, changed);
      const port = ['--port', String(ledger.port)];
      const { exit, stderr } = await countersign(['serve', '--data', ledger.data, ...port]);
      expect([changed, exit, /DATA_OTHER_FOUNDING/.test(stderr)]).toEqual([changed, 1, true]);
      expect((await ledger.run('rebuild', []).ended).stderr).toMatch(/DATA_OTHER_FOUNDING/);
    }
  });

  it('closes what other users could open, and says so', async () => {
    const ledger = await started();
    await ledger.stop();
    const loose: readonly [string, number, number][] = [
      [ledger.data, 0o755, 0o700],
      [`${ledger.data}/broker.db`, 0o664, 0o600],
      [`${ledger.data}/store.db`, 0o644, 0o600],
      [`${ledger.data}/ledger.json`, 0o666, 0o600],
    ];
    for (const [path, mode] of loose) await chmod(path, mode);
    await ledger.serve();
    const { stderr } = await ledger.stop();
    for (const [path, was, now] of loose) {
      expect([path, (await stat(path)).mode & 0o777]).toEqual([path, now]);
      expect(stderr).toContain(`${path} was open to other users (mode ${was.toString(8)})`);
    }
    await ledger.serve();
    expect((await ledger.stop()).stderr).toBe('');
  });

  it('refuses links in its folder, and changes nothing where they lead', async () => {
    const ledger = await started();
    await ledger.stop();
    const [folder, file] = [ledger.at('folder'), ledger.at('file')];
    await mkdir(folder, { mode: 0o755 });
    await writeFile(file, '{}', { mode: 0o644 });
    for (const [name, target] of [
      ['requests', folder],
      ['store.db', file],
      ['positions.json', file],
    ] as const) {
      const path = `${ledger.data}/${name}`;
      await rm(path, { recursive: true, force: true });
      await symlink(target, path);
      expect([name, await refusedStart(ledger)]).toEqual([name, 'DATA_PERMISSIONS']);
      expect((await stat(target)).mode & 0o777).toBe(target === folder ? 0o755 : 0o644);
      await rm(path);
    }
    // The folder itself is where its owner says.
    await symlink(ledger.data, ledger.at('link'));
    const port = ['--port', String(ledger.port)];
    const server = new CliProcess(['serve', '--data', ledger.at('link'), ...port]);
    await server.said(/\n$/);
    expect((await server.signal('SIGTERM')).exit).toBe(0);
  });

  it.each(['ledger.json', 'trust.json', 'keys/read.token'])(
    'never waits for a pipe, nor reads a device, in the place of %s',
    async (name) => {
      const ledger = await started();
      await ledger.stop();
      const path = `${ledger.data}/${name}`;
      await rm(path);
      await promisify(execFile)('mkfifo', ['-m', '600', path]);
      const shown = ['show', '01JDA5C8000000000000000001', '--data', ledger.data];
      expect((await countersign(shown)).stderr).toMatch(/countersign: DATA_DAMAGED/);
      expect(await refusedStart(ledger)).toMatch(
        /^(DATA_DAMAGED|DATA_PERMISSIONS|KEY_FILE_INVALID)$/,
      );
      await rm(path);
      await symlink('/dev/zero', path);
      expect((await countersign(shown)).stderr).toMatch(/countersign: DATA_DAMAGED/);
    },
  );

  it('refuses the log of another ledger', async () => {
    const [ledger, other] = [await started(), await started()];
    await ledger.stop();
    await other.stop();
    await copyFile(`${other.data}/broker.db`, `${ledger.data}/broker.db`);
    expect(await refusedStart(ledger)).toBe('FOREIGN_LEDGER');
  });

  it.each(['broker.db', 'store.db'])('stops when %s is replaced under it', async (name) => {
    const ledger = await started();
    const path = `${ledger.data}/${name}`;
    await copyFile(path, `${path}.copy`);
    await rename(`${path}.copy`, path);
    const { exit, stdout, stderr } = (await ledger.server?.ended) ?? {};
    expect([exit, stdout?.includes('Stopped')]).toEqual([1, false]);
    expect(stderr).toMatch(/^countersign: DATA_REPLACED: /);
    await expect(fetch(`${ledger.url}/readyz`)).rejects.toThrow('fetch failed');
  });

  it('stops when broker.db is taken away under it', async () => {
    const ledger = await started();
    await rename(`${ledger.data}/broker.db`, `${ledger.data}/taken.db`);
    const { exit, stderr } = (await ledger.server?.ended) ?? {};
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^countersign: DATA_REPLACED: /);
  });

  it('rebuilds its read models to the same rows', async () => {
    const ledger = await started();
    const person = await ledger.founder();
    const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
    await approve(person, id);
    expect((await exec.ended).exit).toBe(0);
    await ledger.stop('SIGKILL');
    const { exit, stdout } = await ledger.run('rebuild', ['--json']).ended;
    expect(exit).toBe(0);
    const { before, after } = JSON.parse(stdout) as { before: string; after: string };
    expect(before).toMatch(/^sha256:/);
    expect(after).toBe(before);
  });
});
