import { describe, expect, it } from 'vitest';
import { clusterBackends } from '../src/cluster-backends.ts';
import { parseClusterConfig } from '../src/cluster-config.ts';
import type { LedgerMark } from '../src/data-folder.ts';

const SECRET = 'planted-secret';
const CONFIG = {
  v: 'countersign.cluster.v1',
  kafka: { brokers: ['kafka-1:9092'] },
  kms: { key_id: 'alias/x', region: 'eu-central-1' },
  postgres: { url: 'postgres://u@localhost/db' },
};

type Change = Readonly<Record<string, unknown>>;

function parsed(change: Change): ReturnType<typeof parseClusterConfig> {
  return parseClusterConfig(JSON.stringify({ ...CONFIG, ...change }), 'some/cluster.json');
}

function fault(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a cluster.json that is none', () => {
  it.each<[Change, string]>([
    [{ kafka: {} }, 'kafka.brokers: expected 1 to 100 of host:port, got nothing'],
    [
      { kafka: { brokers: [] } },
      'kafka.brokers: expected 1 to 100 of host:port, got an array of 0',
    ],
    [
      { kafka: { brokers: ['a:1', 'kafka-2'] } },
      'kafka.brokers[1]: expected host:port, like kafka-1:9092, got a text of 7 characters',
    ],
    [
      { kms: { ...CONFIG.kms, keyId: 'x' } },
      'kms.keyId: expected an object with key_id, region, and perhaps more_key_ids, endpoint, got a member keyId',
    ],
    [{ kms: undefined }, 'kms: expected an object with key_id, region'],
    [{ kms: 'x' }, 'kms: expected an object with key_id, region'],
    [{ v: 2 }, 'v: expected countersign.cluster.v1, got a number'],
    [
      { postgres: { url: `mysql://u:${SECRET}@h/d` } },
      'postgres.url: expected postgres://user@host:port/database, got a text',
    ],
    [
      { kafka: { ...CONFIG.kafka, sasl: { mechanism: 'plain', username: 'u' } } },
      'kafka.sasl.mechanism: expected scram-sha-256 or scram-sha-512, got',
    ],
    [{ kafka: { ...CONFIG.kafka, tls: { ca_file: 3 } } }, 'kafka.tls.ca_file: expected a path'],
  ])('names the file, the member, what was expected and what it got: %j', (change, message) => {
    const error = fault(() => parsed(change));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(error)).toContain(`some/cluster.json: ${message}`);
    expect(String(error)).not.toContain(SECRET);
  });

  it('may be no object, or no JSON', () => {
    expect(String(fault(() => parseClusterConfig('[]', 'f')))).toContain('f: the file: expected');
    expect(String(fault(() => parseClusterConfig('{', 'f')))).toContain('f: expected JSON');
  });
});

describe('the password of PostgreSQL', () => {
  const mark = { origin: 'o', shard: 0 } as LedgerMark;

  async function opened(postgres: object, env: Record<string, string> = {}): Promise<unknown> {
    const config = parsed({ postgres: { url: 'postgres://u@db.example/d', ...postgres } });
    try {
      const backends = await clusterBackends(config, { mark, context: { env, nowMs: () => 0 } });
      backends.routing.close();
    } catch (error) {
      return error;
    }
    return 'opened';
  }

  it.each([
    [{ url: `postgres://u:${SECRET}@db.example/d` }, {}],
    [{ url: `postgres://u:${SECRET}@10.0.0.1/d` }, {}],
    [{ url: `postgres://u:${SECRET}@db.example/d?sslmode=disable` }, {}],
    [{ url: `postgres://u:${SECRET}@db.example/d?sslmode=allow` }, {}],
    [{}, { PGPASSWORD: SECRET }],
    [{}, { COUNTERSIGN_POSTGRES_URL: `postgres://u:${SECRET}@db.example/d` }],
  ])('goes to another machine over TLS alone: %j %j', async (postgres, env) => {
    const error = await opened(postgres, env);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(error)).not.toContain(SECRET);
  });

  it.each([
    { url: `postgres://u:${SECRET}@localhost/d` },
    { url: `postgres://u:${SECRET}@127.0.0.1:5432/d` },
    { url: `postgres://u:${SECRET}@[::1]/d` },
    { url: `postgres://u:${SECRET}@db.example/d?sslmode=require` },
    { url: `postgres://u:${SECRET}@db.example/d`, tls: {} },
    { url: `postgres://u:${SECRET}@db.example/d`, allow_plaintext: true },
    {},
  ])('goes where it is said to, or stays on this machine: %j', async (postgres) => {
    expect(await opened(postgres)).toBe('opened');
  });
});
