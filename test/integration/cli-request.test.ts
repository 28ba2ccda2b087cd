import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { IAM_INTERFACE, policyDigest } from '../demo/iam-executor.ts';
import { approve, type CliLedger, countersign, type Ended } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { start: started } = ledgersOfTests();

function example(name: string): string {
  return fileURLToPath(new URL(`../../docs/examples/${name}.json`, import.meta.url));
}

interface PolicyExample {
  readonly executor: { readonly audience: string; readonly descriptor_digest: string };
  readonly params: { readonly before: string };
  readonly preconditions: readonly [{ readonly digest: string }];
}

async function sizeOf(ledger: CliLedger): Promise<number> {
  const { stdout } = await ledger.run('log checkpoint', []).ended;
  return Number(stdout.split('\n')[1]);
}

/** What the ledger holds of a request that was sent. */
async function shown(ledger: CliLedger, { exit, stdout, stderr }: Ended): Promise<unknown> {
  expect([exit, stderr]).toEqual([0, '']);
  const [, id = ''] = /\/action\/([0-9A-Z]{26})/.exec(stdout) ?? [];
  return JSON.parse((await ledger.run('show', [id, '--json']).ended).stdout);
}

interface Kept {
  readonly promise?: string;
  readonly receipt: string;
}

/** What is answered at once needs no promise, so it asks until an answer was waited for. */
async function promised(ledger: CliLedger, triesLeft = 20): Promise<Kept> {
  const asked = await ledger.run('request', [
    ...[example('generic.command'), '--receipt', 'asked.json'],
  ]).ended;
  expect(await shown(ledger, asked)).toMatchObject({ status: 'pending' });
  const kept = JSON.parse(await readFile(ledger.at('asked.json'), 'utf8')) as Kept;
  return kept.promise === undefined && triesLeft > 0 ? promised(ledger, triesLeft - 1) : kept;
}

describe('request', () => {
  it('sends the examples of the documentation as they stand there', async () => {
    const ledger = await started();
    const person = await ledger.founder();
    const command = await ledger.run('request', [example('generic.command')]).ended;
    expect(await shown(ledger, command)).toMatchObject({
      status: 'pending',
      executor: 'local-exec',
    });

    const path = example('iam.policy.change');
    const { executor, params, preconditions } = JSON.parse(
      await readFile(path, 'utf8'),
    ) as PolicyExample;
    expect(executor.descriptor_digest).toBe(IAM_INTERFACE);
    expect(preconditions[0].digest).toBe(policyDigest(params.before));
    const early = await ledger.run('request', [path]).ended;
    expect(early.stderr).toMatch(/^countersign: EXECUTOR_UNKNOWN: .*\n {2}.*enrol executor --help/);
    const enrol = ledger.run('enrol executor', [
      ...['iam-executor', '--audience', executor.audience],
      ...['--interface-digest', executor.descriptor_digest],
    ]);
    const [, id = ''] = await enrol.said(/\/action\/([0-9A-Z]{26})/);
    await approve(person, id);
    expect((await enrol.ended).exit).toBe(0);
    const policy = await ledger.run('request', [path]).ended;
    expect(await shown(ledger, policy)).toMatchObject({
      status: 'pending',
      executor: 'iam-executor',
    });
  });

  it('G10: keeps what was promised of it, and audit --promise finds it kept', async () => {
    const ledger = await started();
    const kept = await promised(ledger);
    const [, index = ''] = /^c2sp\.org\/tlog-proof@v1\nindex (\d+)\n/.exec(kept.receipt) ?? [];
    expect(kept).toMatchObject({
      v: 'countersign.arrival.v1',
      promise: expect.stringContaining('countersign.promise.v1\n') as string,
      entry: expect.stringContaining('request-admitted') as string,
    });
    await ledger.run('log export', ['log']).ended;
    const trust = ['--trust', `${ledger.data}/trust.json`];
    const args = ['audit', 'log', ...trust, '--promise', 'asked.json'];
    const audited = await countersign(args, { cwd: ledger.folder });
    expect([audited.exit, audited.stdout]).toEqual([
      0,
      expect.stringContaining(`kept by entry ${index}\nPROMISE VALID\n`),
    ]);
  });

  it('G10: keeps the entry of a refusal with its receipt', async () => {
    const ledger = await started();
    const refused = await ledger.run('request', [
      ...[example('iam.policy.change'), '--receipt', 'asked.json'],
    ]).ended;
    expect([refused.exit, refused.stderr]).toEqual([
      1,
      expect.stringContaining('EXECUTOR_UNKNOWN'),
    ]);
    const kept = JSON.parse(await readFile(ledger.at('asked.json'), 'utf8')) as Kept;
    expect(kept).toMatchObject({
      entry: expect.stringContaining('"type":"request-refused"') as string,
      receipt: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\n/) as string,
    });
  });

  it('enrol type: a new ledger knows every type, so none is left to enrol', async () => {
    const ledger = await started();
    const again = await ledger.run('enrol type', ['key.rotate']).ended;
    expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('MEMBER_EXISTS')]);
    const unknown = await ledger.run('enrol type', ['key.lose']).ended;
    expect([unknown.exit, unknown.stderr]).toEqual([
      2,
      expect.stringMatching(/USAGE: expected one of (?:[a-z._]+, )+got another type/),
    ]);
  });

  it('sends the example of its own help', async () => {
    const ledger = await started();
    const { stdout: help } = await countersign(['request', '--help']);
    const [, json = ''] = /echo '([^']+)' \| countersign request -/.exec(help) ?? [];
    const asked = await ledger.run('request', ['-'], { stdin: json }).ended;
    expect(await shown(ledger, asked)).toMatchObject({ status: 'pending' });
  });

  it('says what is wrong with an action before anything is sent or logged', async () => {
    const ledger = await started();
    const before = await sizeOf(ledger);
    const whole = JSON.parse(await readFile(example('generic.command'), 'utf8')) as {
      params: object;
    };
    for (const [changed, said] of [
      [
        { params: { ...whole.params, argv: 'rm' } },
        'SCHEMA_INVALID: /params/argv: expected an array',
      ],
      [{ type: 'generic.comand' }, 'UNKNOWN_TYPE: /type: expected one of '],
      [
        { type: 'iam.policy.change' },
        'SCHEMA_INVALID: /executor: expected this member, got nothing',
      ],
      [{ max_uses: 0 }, 'SCHEMA_INVALID: /max_uses: expected an integer 1 to 100'],
    ] as const) {
      const file = ledger.at('action.json');
      await writeFile(file, JSON.stringify({ ...whole, ...changed }));
      const { exit, stderr } = await ledger.run('request', [file]).ended;
      expect([exit, stderr]).toEqual([1, expect.stringContaining(`countersign: ${said}`)]);
    }
    expect(await sizeOf(ledger)).toBe(before);
  });
});
