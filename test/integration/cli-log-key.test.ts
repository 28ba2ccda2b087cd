import { copyFile, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, type CliLedger, countersign } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const ledgers = ledgersOfTests();

interface Rotating {
  readonly ledger: CliLedger;
  readonly person: HttpPerson;
}

async function founded(): Promise<Rotating> {
  const ledger = await ledgers.start();
  return { ledger, person: await ledger.founder() };
}

/** Asks for an action as docs/cli.md tells it, and has it approved. */
async function asked({ ledger, person }: Rotating, action: string): Promise<void> {
  const key = join(ledger.data, 'keys', 'operator.key');
  const args = ['-', '--key', key, '--agent-id', 'operator', '--json'];
  const { stdout } = await ledger.run('request', args, { stdin: action }).ended;
  const { action_id: id } = JSON.parse(stdout) as { action_id: string };
  await approve(person, id);
}

/** A new server knows no session of the old one. */
async function served({ ledger, person }: Rotating): Promise<void> {
  await ledger.serve();
  await person.signIn();
}

async function ran({ ledger, person }: Rotating): Promise<string> {
  const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
  await approve(person, id);
  expect(await exec.ended).toMatchObject({ exit: 0 });
  return id;
}

async function keyIds(ledger: CliLedger): Promise<string[]> {
  const { stdout } = await ledger.run('log-key list', []).ended;
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(0, 8));
}

/** Ids of the keys that have signed the newest head. */
async function signedBy(ledger: CliLedger): Promise<string[]> {
  const { stdout } = await ledger.run('log checkpoint', []).ended;
  const lines = stdout.split('\n').filter((line) => line.startsWith('\u2014 '));
  return lines.map((line) => Buffer.from(line.split(' ')[2] ?? '', 'base64').toString('hex', 0, 4));
}

async function trustedKeys(ledger: CliLedger): Promise<string[]> {
  const trust = await readFile(join(ledger.data, 'trust.json'), 'utf8');
  const { log_keys: keys } = JSON.parse(trust) as { log_keys: string[] };
  return keys.map((vkey) => vkey.split('+')[1] ?? '');
}

describe('the key of the log', () => {
  it('is replaced by another one, with both in between, and old evidence and trust stay good', async () => {
    const at = await founded();
    const { ledger } = at;
    const [oldId = ''] = await keyIds(ledger);
    const first = await ran(at);
    const pinnedThen = ledger.at('trust-of-then.json');
    const evidenceThen = ledger.at('evidence-of-then.json');
    await ledger.run('evidence', [first, '-o', evidenceThen]).ended;

    const made = await ledger.run('log-key new', []).ended;
    expect(made).toMatchObject({ exit: 0 });
    const ids = await keyIds(ledger);
    const newId = ids.find((id) => id !== oldId) ?? '';
    expect(ids).toEqual([oldId, newId]);
    expect(made.stderr).toContain(join('keys', `log-${newId}.key`));
    await ledger.stop();
    // What was pinned at the founding, as an auditor has it.
    await copyFile(join(ledger.data, 'trust.json'), pinnedThen);
    await served(at);
    expect(await signedBy(ledger)).toEqual([oldId]);
    await asked(at, made.stdout);
    const second = await ran(at);
    expect(await signedBy(ledger)).toEqual([oldId, newId]);
    await asked(
      at,
      JSON.stringify({
        type: 'authority.logkey',
        params: { change: { kind: 'log-key-removed', id: oldId } },
      }),
    );
    await ledger.stop();
    expect(await trustedKeys(ledger)).toEqual([newId]);
    await rm(join(ledger.data, 'keys', 'log.key'));
    await served(at);
    const third = await ran(at);
    expect(await signedBy(ledger)).toEqual([newId]);

    const path = ledger.at('evidence.json');
    for (const id of [first, second, third]) {
      await ledger.run('evidence', [id, '-o', path, '--force']).ended;
      expect(await countersign(['verify', path, '--trust', pinnedThen])).toMatchObject({ exit: 0 });
    }
    const own = join(ledger.data, 'trust.json');
    expect(await countersign(['verify', path, '--trust', own])).toMatchObject({ exit: 0 });
    const verified = await countersign(['verify', evidenceThen, '--trust', pinnedThen]);
    expect(verified).toMatchObject({ exit: 0 });
    await ledger.stop();
    const rebuilt = await ledger.run('rebuild', []).ended;
    expect(rebuilt).toMatchObject({ exit: 0 });
  }, 600_000);

  it('is all that is left of it after its removal: the server says which one it needs', async () => {
    const at = await founded();
    const { ledger } = at;
    const [oldId = ''] = await keyIds(ledger);
    const made = await ledger.run('log-key new', []).ended;
    await ledger.stop();
    await served(at);
    await asked(at, made.stdout);
    await asked(
      at,
      JSON.stringify({
        type: 'authority.logkey',
        params: { change: { kind: 'log-key-removed', id: oldId } },
      }),
    );
    await ledger.stop();
    const folder = join(ledger.data, 'keys');
    const [lost = ''] = (await readdir(folder)).filter((name) => name.startsWith('log-'));
    await rm(join(folder, lost));
    const ended = await ledger.run('serve', []).ended;
    expect(ended.exit).not.toBe(0);
    expect(ended.stderr).toContain('SIGNING_KEY_NOT_VALID_AT');
    expect(ended.stderr).toContain(
      `expected a signer of the key ${lost.slice(4, 12)}, got ${oldId}`,
    );
  }, 300_000);
});
