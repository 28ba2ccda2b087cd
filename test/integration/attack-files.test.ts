import { randomBytes } from 'node:crypto';
import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import type { Topic } from '@countersign/broker';
import { filesHolding, holds } from '../support/file-scan.ts';
import { approve, type CliLedger, CliProcess, countersign } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { start: started } = ledgersOfTests();

async function refusedStart(ledger: CliLedger): Promise<string> {
  const { exit, stdout, stderr } = await countersign(['serve', '--data', ledger.data]);
  expect([exit, stdout]).toEqual([1, '']);
  return /^countersign: ([A-Z_]+): /.exec(stderr)?.[1] ?? stderr;
}

/** Lets the log grow by one entry. */
async function grow(ledger: CliLedger): Promise<void> {
  const { exec } = await ledger.ask(['--', '/bin/echo', 'hi']);
  await exec.signal('SIGINT');
}

interface Pin {
  readonly pinned_head?: { readonly size: number };
}

async function pinnedSize(ledger: CliLedger): Promise<number> {
  const trust = JSON.parse(await readFile(`${ledger.data}/trust.json`, 'utf8')) as Pin;
  return trust.pinned_head?.size ?? 0;
}

describe('C14: a start on a log that is not the one that was pinned', () => {
  it('C14: an older copy, an empty one, or one cut off at its end: LOG_ROLLBACK, and nothing is written', async () => {
    const ledger = await started();
    await grow(ledger);
    await ledger.stop();
    const broker = `${ledger.data}/broker.db`;
    await copyFile(broker, ledger.at('backup.db'));
    const before = await pinnedSize(ledger);
    await ledger.serve();
    await grow(ledger);
    await ledger.stop();
    expect(await pinnedSize(ledger)).toBeGreaterThan(before);
    await copyFile(broker, ledger.at('whole.db'));
    await copyFile(ledger.at('backup.db'), broker);
    expect(await refusedStart(ledger)).toBe('LOG_ROLLBACK');
    await writeFile(broker, '');
    expect(await refusedStart(ledger)).toBe('LOG_ROLLBACK');
    await truncate(ledger, ledger.at('whole.db'));
    expect(await refusedStart(ledger)).toBe('LOG_ROLLBACK');
    // With the whole log it goes on as if nothing had been.
    await copyFile(ledger.at('whole.db'), broker);
    await ledger.serve();
    expect((await ledger.stop()).exit).toBe(0);
  });

  it('C14: one that was rolled back and has grown again, signed with the real key: LOG_ROLLBACK', async () => {
    const ledger = await started();
    await ledger.stop();
    await cp(ledger.data, ledger.at('twin'), { recursive: true });
    await ledger.serve();
    await grow(ledger);
    await ledger.stop();
    const pinned = await pinnedSize(ledger);
    // The twin has the same genesis, log key and origin: only what came later differs.
    const args = ['--data', ledger.at('twin'), '--port', String(ledger.port)];
    const twin = new CliProcess(['serve', ...args]);
    ledger.server = twin;
    await twin.said(/\n$/);
    for (let n = 0; n < 3; n += 1) {
      const exec = new CliProcess([
        'exec',
        '--data',
        ledger.at('twin'),
        '--',
        '/bin/echo',
        'other',
      ]);
      await exec.said(/\/action\/([0-9A-Z]{26})/);
      await exec.signal('SIGINT');
    }
    await ledger.stop();
    const trust = await readFile(ledger.at('twin', 'trust.json'), 'utf8');
    expect((JSON.parse(trust) as Pin).pinned_head?.size).toBeGreaterThan(pinned);
    await copyFile(ledger.at('twin', 'broker.db'), `${ledger.data}/broker.db`);
    expect(await refusedStart(ledger)).toBe('LOG_ROLLBACK');
  });
});

const EVERYTHING: readonly Topic[] = [
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
  'intake',
  'log',
  'content',
  'quarantine',
];

/** Puts a log in place that ends one batch and one head early. */
async function truncate(ledger: CliLedger, whole: string): Promise<void> {
  const tp = { topic: 'log', partition: 0 } as const;
  const source = await openSqliteBroker({ path: whole, clock: Date.now });
  const path = ledger.at('truncated.db');
  const target = await openSqliteBroker({ path, clock: Date.now });
  for (const { key, value } of (await source.read(tp, 0, 1_000)).slice(0, -2)) {
    await target.append(tp, [{ key, value: value ?? new Uint8Array() }]);
  }
  await source.close();
  await target.close();
  await copyFile(path, `${ledger.data}/broker.db`);
}

/** The topics of a stopped ledger of which a record holds this text. */
async function topicsHolding(ledger: CliLedger, text: string): Promise<Topic[]> {
  const broker = await openSqliteBroker({ path: `${ledger.data}/broker.db`, clock: Date.now });
  const found: Topic[] = [];
  for (const topic of EVERYTHING) {
    const records = await broker.read({ topic, partition: 0 }, 0, 1_000);
    const isThere = records.some(({ value }) => value !== null && holds(Buffer.from(value), text));
    if (isThere) found.push(topic);
  }
  await broker.close();
  return found;
}

describe('H09: the value of a secret variable', () => {
  it('H09: is in no topic, no file, no message, and no evidence; a clear one is', async () => {
    const ledger = await started();
    const person = await ledger.founder();
    const secret = `sk-${randomBytes(18).toString('base64url')}`;
    const clear = `eu-${randomBytes(18).toString('base64url')}`;
    const env = { API_TOKEN: secret, REGION: clear };
    const names = ['--env', 'REGION', '--secret-env', 'API_TOKEN'];
    const command = ['/bin/sh', '-c', 'test -n "$API_TOKEN" && test -n "$REGION"'];
    const { exec, id } = await ledger.ask([...names, '--', ...command], { env });
    await approve(person, id);
    const ran = await exec.ended;
    expect(ran.exit).toBe(0);
    // Another secret than the approved one is refused, in words that hold neither.
    const second = await ledger.ask([...names, '--', ...command], { env });
    await second.exec.signal('SIGINT');
    await approve(person, second.id);
    const other = `sk-${randomBytes(18).toString('base64url')}`;
    const refused = await ledger.run('exec', ['--resume', second.id], {
      env: { ...env, API_TOKEN: other },
    }).ended;
    expect([refused.exit, /ACTION_DIGEST_MISMATCH/.test(refused.stderr)]).toEqual([1, true]);
    const evidence = await ledger.run('evidence', [id]).ended;
    const served = await ledger.stop();
    const said = Buffer.from(JSON.stringify([ran, refused, evidence, served]));
    for (const hidden of [secret, other]) {
      expect(await filesHolding(ledger.folder, hidden)).toEqual([]);
      expect(await topicsHolding(ledger, hidden)).toEqual([]);
      expect(holds(said, hidden)).toBe(false);
    }
    // The same scan finds what is not hidden, so it would have found the secret.
    expect(await filesHolding(ledger.folder, clear)).toContain('ledger/broker.db');
    expect(await topicsHolding(ledger, clear)).toEqual(['intake', 'content']);
    expect(holds(said, clear)).toBe(true);
    expect(await topicsHolding(ledger, 'API_TOKEN')).toEqual(['intake', 'content']);
  });
});
