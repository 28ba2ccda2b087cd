import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY } from '@countersign/binding';
import { parseStrict, utf8, type JsonObject } from '@countersign/canonical';
import { guard, LedgerClient, readSigningKey } from '@countersign/sdk';
import { fileRunStore } from '@countersign/sdk/file-store';
import { parseEvidence } from '@countersign/verify';
import { describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, countersign, type CliLedger, type Ended } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { start } = ledgersOfTests();

const DEBTOR = 'DE89370400440532013000=Hansa Maschinen AG';

function example(name: string): string {
  return fileURLToPath(new URL(`../../docs/examples/${name}.json`, import.meta.url));
}

async function parsed(path: string): Promise<JsonObject> {
  return parseStrict(await readFile(path)) as JsonObject;
}

async function asked(
  ledger: CliLedger,
  person: HttpPerson,
  args: readonly string[],
): Promise<string> {
  const { exit, stdout, stderr } = await ledger.run('request', args).ended;
  expect([exit, stderr]).toEqual([0, '']);
  const [, id = ''] = /\/action\/([0-9A-Z]{26})/.exec(stdout) ?? [];
  await approve(person, id);
  return id;
}

/** A ledger whose policy has such actions, an executor of them, and one that is approved: the way of docs/use-cases. */
async function granted(
  policy = 'policy-with-grants',
  action = 'payment.grant',
): Promise<{ ledger: CliLedger; id: string }> {
  const ledger = await start();
  const person = await ledger.founder();
  const operator = ['--key', join(ledger.data, 'keys', 'operator.key'), '--agent-id', 'operator'];
  await asked(ledger, person, [example(policy), ...operator]);
  const { executor } = await parsed(example(action));
  const { id, audience, descriptor_digest: digest } = executor as Record<string, string>;
  const enrol = ledger.run('enrol executor', [
    ...[id ?? '', '--audience', audience ?? '', '--interface-digest', digest ?? ''],
  ]);
  const [, change = ''] = await enrol.said(/\/action\/([0-9A-Z]{26})/);
  await approve(person, change);
  expect((await enrol.ended).exit).toBe(0);
  await mkdir(ledger.at('outbox'));
  return { ledger, id: await asked(ledger, person, [example(action)]) };
}

function pay(ledger: CliLedger, id: string, args: readonly string[]): Promise<Ended> {
  const executor = ['--executor-key', 'bank-1.key', '--executor-id', 'bank-1'];
  const debtor = args.includes('--debtor') ? [] : ['--debtor', DEBTOR];
  const place = ['--audience', 'bank', '--outbox', 'outbox', ...debtor];
  return ledger.run('pay', [id, ...executor, ...place, ...args]).ended;
}

function chosen(amount: string, run: string): string[] {
  return ['--choose', `amount=${amount}`, '--run', run];
}

async function paid(ledger: CliLedger): Promise<string[]> {
  const files = (await readdir(ledger.at('outbox'))).map(async (name) => {
    const text = await readFile(ledger.at('outbox', name), 'utf8');
    return /<InstdAmt Ccy="EUR">(.*)<\/InstdAmt>/.exec(text)?.[1] ?? '';
  });
  return (await Promise.all(files)).sort();
}

describe('pay', () => {
  it('uses nothing up where there is no outbox', async () => {
    const { ledger, id } = await granted();
    const none = await pay(ledger, id, [...chosen('1.00', 'one'), '--outbox', 'nowhere']);
    expect([none.exit, none.stderr]).toEqual([2, expect.stringContaining('DIRECTORY_NOT_FOUND')]);
    expect((await pay(ledger, id, chosen('1.00', 'one'))).exit).toBe(0);
  });

  it('has examples for the policy and the executor that it needs', async () => {
    const { stdout } = await countersign(['pay', '--interfaces']);
    const [, digest = ''] = /^payment.grant +(sha256:[0-9a-f]{64})$/m.exec(stdout) ?? [];
    const { executor } = await parsed(example('payment.grant'));
    expect(executor).toMatchObject({ descriptor_digest: digest });
    expect(stdout).toMatch(/^payment.transfer +sha256:[0-9a-f]{64}$/m);
    const { params } = await parsed(example('policy-with-grants'));
    expect(params).toMatchObject({ change: { policy: { rules: [DEFAULT_POLICY.rules[0], {}] } } });
  });

  it('A13, C16: pays what each run chooses within a grant, and nothing once a run was cut off', async () => {
    const { ledger, id } = await granted();
    const above = await pay(ledger, id, chosen('500.01', 'one'));
    expect([above.exit, above.stderr]).toEqual([1, expect.stringContaining('CONSTRAINT_VIOLATED')]);
    expect(await paid(ledger)).toEqual([]);
    const first = await pay(ledger, id, chosen('500.00', 'one'));
    expect([first.exit, first.stderr]).toEqual([
      0,
      expect.stringMatching(/^countersign: paid: .*CS-.*xml\n$/),
    ]);
    const again = await pay(ledger, id, [...chosen('400.00', 'one'), '--json']);
    expect([again.exit, JSON.parse(again.stderr)]).toEqual([
      0,
      expect.objectContaining({ event: 'ended', result: 'succeeded', is_repeat: true }),
    ]);
    await die(ledger, id);
    const next = await pay(ledger, id, chosen('5.00', 'next'));
    expect([next.exit, next.stderr]).toEqual([
      1,
      expect.stringMatching(
        /OUTCOME_UNKNOWN: an earlier payment was cut off: CS-[^]*OUTCOME_UNKNOWN/,
      ),
    ]);
    expect(await paid(ledger)).toEqual(['500.00']);
  });

  it('A13: is followed to its last use, and proved with what each use chose', async () => {
    const { ledger, id } = await granted();
    const watch = ledger.run('watch', [id]);
    for (const [amount, run] of [
      ['500.00', 'one'],
      ['0.01', 'two'],
    ] as const) {
      expect((await pay(ledger, id, chosen(amount, run))).exit).toBe(0);
    }
    await watch.said(/used[^]*execution-reported[^]*execution-reported/);
    expect(watch.child.exitCode).toBe(null);
    expect((await pay(ledger, id, chosen('12.50', 'three'))).exit).toBe(0);
    const { exit, stdout } = await watch.ended;
    const last = stdout.split(`${id}  `).at(-1);
    expect([exit, last?.match(/binding-used/g)?.length]).toEqual([0, 3]);
    await ledger.run('evidence', [id, '-o', 'grant.json']).ended;
    const trust = ['--trust', join(ledger.data, 'trust.json')];
    const args = ['verify', ledger.at('grant.json'), ...trust];
    const text = (await countersign(args)).stdout;
    const used = [...text.matchAll(/^used .*\): (.*)$/gm)].map(([, words]) => words);
    expect(used).toEqual(['amount 500.00', 'amount 0.01', 'amount 12.50']);
    const { facts } = JSON.parse((await countersign([...args, '--json'])).stdout) as {
      facts: { uses: { chosen: object }[] };
    };
    expect(facts.uses.map((use) => use.chosen)).toEqual([
      { amount: '500.00' },
      { amount: '0.01' },
      { amount: '12.50' },
    ]);
  });

  it('A12: pays the items of a batch one by one, each once, and none that is not there', async () => {
    const { ledger, id } = await granted('policy-with-batches', 'batch.payment.transfer');
    const item = async (number: string, ...more: string[]): Promise<[Ended['exit'], string]> => {
      const { exit, stderr } = await pay(ledger, id, ['--item', number, ...more]);
      return [exit, stderr];
    };
    expect(await item('2')).toEqual([0, expect.stringMatching(/paid: .*CS-.*xml/)]);
    expect(await item('2')).toEqual([0, expect.stringContaining('item-2 has paid before')]);
    expect(await item('2', '--run', 'more')).toEqual([
      1,
      expect.stringContaining('ALREADY_CONSUMED'),
    ]);
    expect(await item('4')).toEqual([1, expect.stringContaining('NOT_IN_BATCH')]);
    expect((await pay(ledger, id, [])).stderr).toContain('NOT_IN_BATCH');
    expect((await item('1'))[0]).toBe(0);
    expect(await paid(ledger)).toEqual(['1200.00', '84.50']);
  });

  it('pays nothing from an account that its executor does not have', async () => {
    const { ledger, id } = await granted();
    const elsewhere = ['--debtor', 'DE02120300000000202051=Another'];
    const failed = await pay(ledger, id, [...chosen('1.00', 'one'), ...elsewhere]);
    expect([failed.exit, failed.stderr]).toEqual([1, expect.stringContaining('TARGET_UNKNOWN: ')]);
    expect(await paid(ledger)).toEqual([]);
    // And uses nothing up: the same run can pay with the right one.
    const { stdout } = await ledger.run('log list', ['--json', '--limit', '200']).ended;
    expect(stdout).not.toContain('binding-used');
    expect((await pay(ledger, id, chosen('1.00', 'one'))).exit).toBe(0);
  });
});

/** An executor with the same records that is gone right after it has written down that it starts. */
async function die(ledger: CliLedger, id: string): Promise<void> {
  const key = await readSigningKey(ledger.at('bank-1.key'));
  const { thumbprint: keyId, sign } = key;
  const client = new LedgerClient({ url: ledger.url, reader: { keyId, sign } });
  const { content } = parseEvidence(utf8(await client.evidence(id)));
  const action = parseStrict(utf8(content.action ?? '')) as JsonObject;
  const { executor } = action as { executor: { descriptor_digest: `sha256:${string}` } };
  const store = fileRunStore(join(ledger.data, 'requests', 'pay', 'runs'));
  const dying = guard({
    ledger: client,
    trust: await readFile(join(ledger.data, 'trust.json')),
    executor: { id: 'bank-1', audience: 'bank', key, interfaceDigest: executor.descriptor_digest },
    store: {
      ...store,
      async create(run, part, text) {
        const isNew = await store.create(run, part, text);
        if (part === 'start') throw new Error('died');
        return isNew;
      },
    },
  });
  const order = { action, preconditions: () => Promise.resolve({}), name: 'died' };
  const run = dying.run({ ...order, chosen: { amount: '7.00' } }, () =>
    Promise.reject(new Error()),
  );
  await expect(run).rejects.toThrow('died');
}
