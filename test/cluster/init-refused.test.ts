import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, type Ended } from '../integration/cli-process.ts';
import { freePort } from '../support/free-port.ts';
import { tierOfTests } from '../support/tier.ts';

interface Config {
  readonly kafka: { readonly brokers: readonly string[] };
  readonly kms: Readonly<Record<string, string>>;
  readonly postgres: { readonly url: string };
}

let folder: string;
let file: string;
let config: Config;
let env: Record<string, string>;

beforeAll(async () => {
  const tier = tierOfTests();
  if (tier === undefined) throw new Error('expected the set-up of a cluster');
  folder = await mkdtemp(join(tmpdir(), 'init-refused-'));
  env = { ...tier.env };
  file = await tier.clusterFile(folder, { partitions: 2 });
  config = JSON.parse(await readFile(file, 'utf8')) as Config;
  const { exit, stderr } = await init('other', ['--shard', '1', '--tenant', 'other']);
  expect([exit, stderr]).toEqual([0, '']);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function init(name: string, more: readonly string[], cluster = file): Promise<Ended> {
  const port = String(await freePort());
  const args = ['--cluster', cluster, '--data', join(folder, name), '--port', port];
  return countersign(['init', ...args, ...more], { env });
}

async function fileWith(change: Partial<Config>): Promise<string> {
  const changed = join(folder, 'changed.json');
  await writeFile(changed, JSON.stringify({ ...config, ...change }));
  return changed;
}

function wrongPassword(): Partial<Config> {
  const url = new URL(config.postgres.url);
  url.password = 'planted-secret';
  return { postgres: { ...config.postgres, url: url.href } };
}

describe('init with something wrong', () => {
  it.each<[string, () => Partial<Config>, readonly string[], number, RegExp]>([
    [
      'a shard beyond the partitions',
      () => ({}),
      ['--shard', '9'],
      2,
      /^countersign: CONFIG_INVALID: shard 9: expected one of the 2 partitions of the topics, 0 to 1\n.*--shard/,
    ],
    [
      'the shard of another ledger',
      () => ({}),
      ['--shard', '1'],
      1,
      /^countersign: FOREIGN_LEDGER: .*got that of another ledger\n.*--shard .*--data/,
    ],
    [
      'a key that is none',
      () => ({ kms: { ...config.kms, key_id: 'alias/none' } }),
      [],
      1,
      /^countersign: SIGNER_KEY_STATE: key alias\/none: expected .*, got NotFoundException\n.*kms\.key_id/,
    ],
    [
      'a wrong password of PostgreSQL',
      wrongPassword,
      [],
      1,
      /^countersign: STORE_SETTINGS: PostgreSQL: SQLSTATE 28P01: expected the password .*\n.*password_file/,
    ],
  ])('founds nothing with %s, says what to change, and is tried again', async (...row) => {
    const [, change, more, expected, message] = row;
    const refused = await init('mine', more, await fileWith(change()));
    expect([refused.exit, refused.stderr]).toEqual([expected, expect.stringMatching(message)]);
    expect(refused.stderr).not.toContain('planted-secret');
    expect(existsSync(join(folder, 'mine'))).toBe(false);
  });

  it('is taken once it is right, in the same folder', async () => {
    const { exit, stderr } = await init('mine', ['--tenant', 'mine']);
    expect([exit, stderr]).toEqual([0, '']);
    expect(existsSync(join(folder, 'mine', 'ledger.json'))).toBe(true);
  });
});
