import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { BrokerError } from '@countersign/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaSecurity } from '../src/index.ts';

const PASSWORD = 'correct horse battery';
const LOGIN = { mechanism: 'scram-sha-512', username: 'ledger' };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafka-security-'));
  await writeFile(join(folder, 'password'), `${PASSWORD}\n`);
  await writeFile(join(folder, 'empty'), '\n');
  await writeFile(join(folder, 'no.pem'), `-----BEGIN PRIVATE KEY-----\n${PASSWORD}\n`);
  await writeFile(join(folder, 'large'), 'x'.repeat(65_537));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('how a broker is reached', () => {
  it('may be said not at all, with TLS, and with a password from a file', async () => {
    expect(await readKafkaSecurity({})).toEqual({});
    expect(await readKafkaSecurity({ tls: {} })).not.toHaveProperty('sasl');
    const passwordFile = join(folder, 'password');
    const { sasl } = await readKafkaSecurity({ tls: {}, sasl: { ...LOGIN, passwordFile } });
    expect(sasl).toMatchObject({ mechanism: 'scram-sha-512', username: 'ledger' });
    expect(sasl).toHaveProperty('password', PASSWORD);
  });

  it('shows no password when it is printed', async () => {
    const security = await readKafkaSecurity({ tls: {}, sasl: { ...LOGIN, password: PASSWORD } });
    const told = [inspect(security, { depth: 20, showHidden: true }), JSON.stringify(security)];
    for (const text of told) expect(text).not.toContain(PASSWORD);
  });

  it.each([
    [null, 'security'],
    [[], 'security'],
    [{ ssl: {} }, 'security'],
    [{ sasl: { ...LOGIN, password: PASSWORD } }, 'sasl'],
    [{ tls: { ca: 'x' } }, 'tls'],
    [{ tls: { certFile: 'password' } }, 'tls'],
    [{ tls: { caFile: 'nowhere.pem' } }, 'tls.caFile'],
    [{ tls: { caFile: '' } }, 'tls.caFile'],
    [{ tls: { caFile: 'large' } }, 'tls.caFile'],
    [{ tls: { certFile: 'no.pem', keyFile: 'no.pem' } }, 'tls'],
    [{ tls: {}, sasl: { ...LOGIN } }, 'sasl'],
    [{ tls: {}, sasl: { ...LOGIN, password: PASSWORD, passwordFile: 'password' } }, 'sasl'],
    [{ tls: {}, sasl: { ...LOGIN, passwordFile: 'empty' } }, 'sasl'],
    [{ tls: {}, sasl: { ...LOGIN, mechanism: 'gssapi', password: PASSWORD } }, 'sasl.mechanism'],
    [{ tls: {}, sasl: { ...LOGIN, username: 7, password: PASSWORD } }, 'sasl.username'],
    [{ tls: {}, sasl: { ...LOGIN, password: 7 } }, 'sasl.password'],
    [{ tls: {}, sasl: { ...LOGIN, secret: PASSWORD } }, 'sasl'],
  ])('is refused as %j, by the name of %s alone', async (settings, place) => {
    const refused: unknown = await readKafkaSecurity(inFolder(settings)).catch((e: unknown) => e);
    if (!(refused instanceof BrokerError)) throw new Error('expected a refusal');
    expect(refused.code).toBe('BROKER_CONNECTION_SETTINGS');
    expect(refused.message).toMatch(new RegExp(`^${place}: expected `));
    expect(inspect(refused, { depth: 20 })).not.toContain(PASSWORD);
  });
});

/** With the names of files as paths. */
function inFolder(settings: unknown): unknown {
  const text = JSON.stringify(settings);
  return JSON.parse(text, (name, value: unknown) =>
    name.endsWith('File') && typeof value === 'string' && value !== ''
      ? join(folder, value)
      : value,
  );
}
