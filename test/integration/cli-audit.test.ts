import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalText } from '@countersign/canonical';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DecidedLog, filesOf, writeFiles } from '../support/decided-log.ts';
import { freePort } from '../support/free-port.ts';
import { CliProcess, approve, countersign, type CliLedger, type Ended } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { start: started } = ledgersOfTests();

let folder: string;
let log: DecidedLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-audit-'));
  log = new DecidedLog();
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Report {
  readonly outcome: string;
  readonly code?: string;
  readonly index?: number;
  readonly size?: number;
  readonly checked_before?: number;
  readonly proof?: string;
  readonly entries?: Readonly<Record<string, number>>;
  readonly near_enrolments?: { readonly count: number };
}

function reportIn({ stdout, stderr }: Ended): Report {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

async function auditIn(at: string, ...args: string[]): Promise<Ended> {
  return countersign(['audit', ...args, '--json'], { cwd: at });
}

/** A folder with the log as it stands, and its trust file beside it. */
async function written(name = 'log'): Promise<void> {
  await writeFiles(join(folder, name), await log.files());
  await writeFile(join(folder, 'trust.json'), canonicalText(log.trust()));
}

async function filesIn(at: string): Promise<Map<string, string>> {
  const found = await readdir(at, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  const read = paths.map(
    async (path) => [path.slice(at.length + 1), await readFile(path, 'hex')] as const,
  );
  return new Map(await Promise.all(read));
}

/** One that ran, and one that nobody has decided. */
async function storied(ledger: CliLedger): Promise<void> {
  const person = await ledger.founder();
  const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
  await approve(person, id);
  expect((await exec.ended).exit).toBe(0);
  const open = await ledger.ask(['--', '/bin/echo', 'later']);
  await open.exec.signal('SIGINT');
}

describe('audit of a running ledger', () => {
  it('is VALID over HTTP and from a folder, and leaves a log folder', async () => {
    const ledger = await started();
    await storied(ledger);
    const trust = join(ledger.data, 'trust.json');
    const shown = ['--trust', trust, '--read-token', join(ledger.data, 'keys', 'read.token')];
    const over = await auditIn(ledger.folder, ledger.url, ...shown, '--keep', 'mirror');
    const report = reportIn(over);
    expect([over.exit, report.outcome]).toEqual([0, 'VALID']);
    expect(report.entries).toMatchObject({ 'binding-made': 1, 'binding-used': 1 });
    expect(report.near_enrolments?.count).toBe(1);
    expect((await ledger.run('log export', ['exported']).ended).exit).toBe(0);
    expect(await filesIn(ledger.at('mirror'))).toEqual(await filesIn(ledger.at('exported')));
    const again = reportIn(await auditIn(ledger.folder, 'mirror', '--trust', trust));
    expect(again).toMatchObject({ outcome: 'VALID', size: report.size });
  });

  it('goes on where it was over HTTP, needs to be let in, and says when nobody answers', async () => {
    const ledger = await started();
    const shown = ['--trust', join(ledger.data, 'trust.json')];
    const token = ['--read-token', join(ledger.data, 'keys', 'read.token'), '--keep', 'mirror'];
    const first = reportIn(await auditIn(ledger.folder, ledger.url, ...shown, ...token));
    expect(first).toMatchObject({ outcome: 'VALID', size: 1 });
    const open = await ledger.ask(['--', '/bin/echo', 'again']);
    await open.exec.signal('SIGINT');
    const grown = reportIn(await auditIn(ledger.folder, ledger.url, ...shown, ...token));
    expect(grown).toMatchObject({ outcome: 'VALID', size: 2, checked_before: 1 });
    const denied = await auditIn(ledger.folder, ledger.url, ...shown);
    expect([denied.exit, denied.stderr]).toEqual([1, expect.stringContaining('READ_SCOPE')]);
    await ledger.stop();
    const away = await auditIn(ledger.folder, ledger.url, ...shown, ...token);
    expect([away.exit, away.stderr]).toEqual([3, expect.stringContaining('LEDGER_UNREACHABLE')]);
  });
});

describe('audit with what was seen before', () => {
  it.each([
    ['G03: a log that went back', 'LOG_ROLLBACK', 4],
    ['G02: another log of the same size', 'EQUIVOCATION', 7],
  ])('%s: %s, with both signed heads kept', async (_, code, size) => {
    await log.bind();
    const fork = log.entries.slice(0, 4);
    await log.bind();
    await written();
    expect((await auditIn(folder, 'log', '--trust', 'trust.json')).exit).toBe(0);
    const held = await readFile(join(folder, 'log', 'checkpoint'), 'utf8');
    const entries = size === 4 ? fork : [...fork, ...log.entries.slice(1, 4)];
    await rm(join(folder, 'log'), { recursive: true });
    await writeFiles(join(folder, 'log'), await filesOf(entries, log.signer));
    const refused = await auditIn(folder, 'log', '--trust', 'trust.json');
    const report = reportIn(refused);
    expect([refused.exit, report.code]).toEqual([1, code]);
    const kept = (name: string): Promise<string> =>
      readFile(join(report.proof ?? '', name), 'utf8');
    expect(await kept('held.checkpoint')).toBe(held);
    expect(await kept('offered.checkpoint')).toBe(
      await readFile(join(folder, 'log', 'checkpoint'), 'utf8'),
    );
    // What was seen stays what was seen.
    expect(reportIn(await auditIn(folder, 'log', '--trust', 'trust.json')).code).toBe(code);
  });

  it('goes on after kill -9 from the last tile that was checked', async () => {
    while (log.entries.length < 1_200) {
      await log.bind();
      log.forward(1_000);
    }
    await written();
    const state = join(folder, 'log.audit.json');
    const first = new CliProcess(['audit', 'log', '--trust', 'trust.json', '--json'], {
      cwd: folder,
    });
    while (!(await exists(state))) await sleep(20);
    await first.signal('SIGKILL');
    const report = reportIn(await auditIn(folder, 'log', '--trust', 'trust.json'));
    expect(report).toMatchObject({ outcome: 'VALID', size: log.entries.length });
    expect(report.checked_before).toBeGreaterThan(0);
  });

  it('checks again what was checked by another trust file', async () => {
    await log.bind();
    await written();
    expect((await auditIn(folder, 'log', '--trust', 'trust.json')).exit).toBe(0);
    const accept = { proof_classes: ['uv', 'up'], separation: ['full'], demo: false };
    await writeFile(join(folder, 'other.json'), canonicalText(log.trust({ accept })));
    const report = reportIn(await auditIn(folder, 'log', '--trust', 'other.json'));
    expect(report).toMatchObject({ outcome: 'VALID', checked_before: 0 });
  });

  it('tells in words where the first bad entry is', async () => {
    await log.bind();
    await written();
    const path = join(folder, 'log', 'tile', 'entries', '000.p', '4');
    const bundle = await readFile(path);
    bundle[bundle.length - 5] = 0x20;
    await writeFile(path, bundle);
    const { exit, stdout } = await countersign(['audit', 'log', '--trust', 'trust.json'], {
      cwd: folder,
    });
    expect([exit, stdout]).toEqual([
      1,
      expect.stringMatching(/first bad +entry 3\n.*\n\nREFUSED BUNDLE_MISMATCH\n$/),
    ]);
  });
});

describe('monitor', () => {
  it('sends one alarm for a fork, goes on, and tells it as a metric', async () => {
    await log.bind();
    await written();
    const alarms: { alarm: string; evidence?: string[] }[] = [];
    const webhook = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        alarms.push(JSON.parse(Buffer.concat(chunks).toString()) as (typeof alarms)[number]);
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    const { port } = webhook.address() as AddressInfo;
    const probe = `127.0.0.1:${await freePort()}`;
    const monitor = new CliProcess(
      ['monitor', 'log', '--trust', 'trust.json', '--every', '1', '--probe', probe].concat([
        '--webhook',
        `http://127.0.0.1:${port}/in`,
      ]),
      { cwd: folder },
    );
    try {
      await monitor.said(/VALID 4 entries/);
      const entries = [...log.entries.slice(0, 1), ...new DecidedLog({ like: log }).entries];
      await writeFiles(join(folder, 'log'), await filesOf(entries.slice(0, 2), log.signer));
      await monitor.said(/ALARM LOG_ROLLBACK/);
      while (alarms.length === 0) await sleep(50);
      await monitor.said(/REFUSED[^]*REFUSED/);
      expect(alarms.map(({ alarm, evidence }) => [alarm, evidence?.length])).toEqual([
        ['LOG_ROLLBACK', 2],
      ]);
      const metrics = await (await fetch(`http://${probe}/metrics`)).text();
      expect(metrics).toContain('countersign_monitor_alarm{code="LOG_ROLLBACK"} 1');
      expect(metrics).toContain('countersign_monitor_log_size 4');
    } finally {
      expect((await monitor.signal('SIGTERM')).exit).toBe(0);
      webhook.close();
    }
  });
});

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
