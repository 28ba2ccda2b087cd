import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { approve, countersign, type CliLedger } from '../integration/cli-process.ts';
import { ledgersOfTests } from '../integration/ledgers-of-tests.ts';
import type { HttpPerson } from '../support/http-person.ts';
import { Litewitness } from '../support/litewitness.ts';

/** Ledgers and witnesses in processes of their own, each started several times. */
vi.setConfig({ testTimeout: 360_000 });

const ledgers = ledgersOfTests();
const witnesses: Litewitness[] = [];

afterEach(() => {
  for (const witness of witnesses.splice(0)) witness.stop();
});

interface Witnessed {
  readonly ledger: CliLedger;
  readonly person: HttpPerson;
  readonly witness: Litewitness;
}

/** A ledger that was founded before it had a witness, and serves with one now. */
async function witnessed(): Promise<Witnessed> {
  const ledger = await ledgers.start();
  const person = await ledger.founder();
  await ledger.stop();
  const { origin, log_keys } = JSON.parse(await readFile(`${ledger.data}/trust.json`, 'utf8')) as {
    origin: string;
    log_keys: string[];
  };
  const folder = ledger.at('witness');
  await mkdir(folder);
  const witness = await Litewitness.start(folder, { origin, vkey: log_keys[0] ?? '' });
  witnesses.push(witness);
  const policy = ledger.at('policy.txt');
  await writeFile(policy, `witness lite ${witness.vkey} ${witness.url}\nquorum lite\n`);
  await ledger.serve('--witness-policy', policy);
  await person.signIn();
  return { ledger, person, witness };
}

/** Asks, approves and runs something. */
async function approved({ ledger, person }: Witnessed): Promise<string> {
  const { exec, id } = await ledger.ask(['--', '/bin/echo', 'hi']);
  await approve(person, id);
  expect((await exec.ended).exit).toBe(0);
  return id;
}

async function evidenceOf(
  { ledger }: Witnessed,
  id: string,
): Promise<{ exit: unknown; stderr: string; path: string }> {
  const path = ledger.at(`${id}.json`);
  const args = [id, '--level', 'witnessed', '-o', path, '--force'];
  const { exit, stderr } = await ledger.run('evidence', args).ended;
  return { exit, stderr, path };
}

async function verified({ ledger }: Witnessed, path: string): Promise<string> {
  const trust = `${ledger.data}/trust.json`;
  const args = ['verify', path, '--level', 'witnessed', '--trust', trust];
  const { stdout } = await countersign(args);
  return stdout.trim().split('\n').at(-1) ?? '';
}

it('has its heads cosigned, and gives evidence that is VALID at level witnessed offline', async () => {
  const at = await witnessed();
  const id = await approved(at);
  const { exit, path } = await evidenceOf(at, id);
  expect(exit).toBe(0);
  await at.ledger.stop();
  at.witness.stop();
  expect(await verified(at, path)).toBe('VALID at level witnessed');
});

it('gives no witnessed evidence while the witness is away, and all of it once it is back, also after a restart', async () => {
  const at = await witnessed();
  const { ledger, witness } = at;
  await witness.pause();
  const id = await approved(at);
  const away = await evidenceOf(at, id);
  expect([away.exit, away.stderr]).toEqual([
    1,
    expect.stringMatching(/WITNESS_QUORUM: expected .* size \d+, got \d+/),
  ]);
  const ready = await fetch(`${ledger.url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { status: 'ok', witnesses: { away: ['lite'] } },
  ]);
  await ledger.stop();
  await ledger.serve();
  await witness.resume();
  await expect.poll(async () => (await evidenceOf(at, id)).exit, { timeout: 60_000 }).toBe(0);
  expect(await verified(at, (await evidenceOf(at, id)).path)).toBe('VALID at level witnessed');
});

it('G03: a folder that was put back is stopped by what its witness holds, before anything is sealed again', async () => {
  const at = await witnessed();
  const { ledger } = at;
  await ledger.stop();
  await cp(ledger.data, ledger.at('backup'), { recursive: true });
  await ledger.serve();
  await at.person.signIn();
  const id = await approved(at);
  expect((await evidenceOf(at, id)).exit).toBe(0);
  await ledger.stop();
  await rm(ledger.data, { recursive: true });
  await cp(ledger.at('backup'), ledger.data, { recursive: true });
  const first = await countersign(['serve', '--data', ledger.data]);
  expect([first.exit, first.stderr]).toEqual([1, expect.stringContaining('LOG_ROLLBACK')]);
  const alarm = await readFile(`${ledger.data}/witness-alarm.json`, 'utf8');
  expect(JSON.parse(alarm)).toMatchObject({ code: 'LOG_ROLLBACK', witness: 'lite' });
  // Whoever starts it again has to look first.
  const again = await countersign(['serve', '--data', ledger.data]);
  expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('LOG_ROLLBACK')]);
});
