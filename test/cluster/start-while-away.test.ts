import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  ClusterLedger,
  ServiceProcess,
  type ServiceKind,
} from '../support/cluster/cluster-ledger.ts';
import { startLocalCluster, type LocalCluster } from '../support/cluster/local-cluster.ts';
import { freePort } from '../support/free-port.ts';

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly detail?: string;
}

let folder: string;
let cluster: LocalCluster;
let ledger: ClusterLedger;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-while-away-'));
  cluster = await startLocalCluster();
  ledger = await ClusterLedger.found({ cluster, folder });
}, 240_000);

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop('SIGKILL')));
});

afterAll(async () => {
  cluster.moto.resume();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

async function started(
  kind: ServiceKind,
  env: NodeJS.ProcessEnv = {},
  data = ledger.data,
): Promise<ServiceProcess> {
  const probe = `127.0.0.1:${await freePort()}`;
  const listening = kind === 'gateway' ? ['--listen', `127.0.0.1:${await freePort()}`] : [];
  const service = new ServiceProcess(kind, {
    args: ['--data', data, '--probe', probe, ...listening],
    env: { ...ledger.env, ...env },
    probe: `http://${probe}`,
  });
  running.push(service);
  service.start();
  return service;
}

async function readiness({ probe }: ServiceProcess): Promise<Answer | undefined> {
  try {
    const response = await fetch(`${probe}/readyz`);
    return { status: response.status, ...((await response.json()) as object) };
  } catch (error) {
    // Not listening yet.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** It says that it waits, and with which code; it is alive, and counts the wait. */
async function waiting(service: ServiceProcess, code: RegExp): Promise<void> {
  let seen: Answer | undefined;
  const isSo = async (): Promise<boolean> => {
    seen = await readiness(service);
    expect(service.isRunning).toBe(true);
    return seen?.status === 503 && code.test(seen.code ?? '');
  };
  await vi.waitUntil(isSo, { timeout: 90_000, interval: 500 }).catch(() => {
    throw new Error(`expected ${service.kind} to wait, got ${JSON.stringify(seen)}`);
  });
  expect(seen?.detail).toMatch(/^starting the ledger of default: waiting-\w+ for \d+ s$/);
  expect((await fetch(`${service.probe}/healthz`)).status).toBe(200);
  const counted = new RegExp(
    `^countersign_waits_total\\{tenant="default",code="${code.source}"\\} [1-9]`,
    'm',
  );
  await vi.waitUntil(async () => counted.test(await (await fetch(service.metrics)).text()), {
    timeout: 10_000,
    interval: 500,
  });
}

interface Line {
  readonly event?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly seconds?: number;
}

async function linesOf(service: ServiceProcess): Promise<Line[]> {
  const ended = await service.stop();
  expect(ended?.code).toBe(0);
  const lines = (ended?.stderr ?? '').split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Line);
}

/** Its lines say when the wait began, with the code, and how long it was. */
async function expectWaitTold(service: ServiceProcess, code: RegExp): Promise<void> {
  const lines = await linesOf(service);
  const told = lines.filter((line) => code.test(line.code ?? ''));
  expect(told.map(({ event }) => event)).toContain('wait_begun');
  expect(told.find(({ event }) => event === 'wait_begun')?.detail).toMatch(/./);
  expect(told.find(({ event }) => event === 'wait_ended')?.seconds).toBeGreaterThan(0);
}

describe('a service that is started', () => {
  it('while Kafka is away waits for it, and goes on when it is back', async () => {
    await cluster.kafka.crash();
    const services = [
      await started('ledger'),
      await started('projector'),
      await started('gateway'),
    ];
    for (const service of services) await waiting(service, /BROKER_UNAVAILABLE/);
    await cluster.kafka.up();
    for (const service of services) await service.ready();
    for (const service of services) await expectWaitTold(service, /BROKER_UNAVAILABLE/);
  }, 240_000);

  it('while KMS is away waits for it, and goes on when it is back', async () => {
    cluster.moto.pause();
    const service = await started('ledger');
    await waiting(service, /SIGNER_TIMEOUT/);
    cluster.moto.resume();
    await service.ready();
    await expectWaitTold(service, /SIGNER_TIMEOUT/);
  }, 120_000);

  it('while PostgreSQL is away waits for it, and goes on when it is back', async () => {
    await cluster.postgres.down();
    const services = [await started('projector'), await started('gateway')];
    for (const service of services) await waiting(service, /STORE_UNAVAILABLE/);
    await cluster.postgres.up();
    const writing = await started('ledger');
    for (const service of [...services, writing]) await service.ready();
    for (const service of services) await expectWaitTold(service, /STORE_UNAVAILABLE/);
  }, 120_000);

  it('waits no longer than COUNTERSIGN_START_WAIT_S says, and ends with the code', async () => {
    await cluster.postgres.down();
    const service = await started('projector', { COUNTERSIGN_START_WAIT_S: '1' });
    const { code, stderr } = await service.running.finished;
    await cluster.postgres.up();
    expect([code, stderr]).toEqual([1, expect.stringContaining('STORE_UNAVAILABLE')]);
  }, 60_000);

  it('ends with 0 when it is told to while it waits', async () => {
    await cluster.postgres.down();
    const service = await started('projector');
    await waiting(service, /STORE_UNAVAILABLE/);
    const begunMs = Date.now();
    expect((await service.stop())?.code).toBe(0);
    expect(Date.now() - begunMs).toBeLessThan(5_000);
    await cluster.postgres.up();
  }, 60_000);

  it.each([
    ['ledger', 'SIGNER_KEY_STATE', { kms: { key_id: 'alias/none' } }],
    ['ledger', 'BROKER_TOPIC_SETTINGS', { kafka: { prefix: 'other.' } }],
    ['projector', 'STORE_SETTINGS', { postgres: {} }],
  ] as const)('%s ends at once with %s', async (kind, expected, change) => {
    const data = join(folder, expected);
    await copyOf(data, change);
    const { code, stderr } = await (await started(kind, {}, data)).running.finished;
    expect([code, stderr]).toEqual([1, expect.stringContaining(expected)]);
  });
});

type Change = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A folder of the same ledger, whose cluster.json says something else, and has a wrong password. */
async function copyOf(data: string, change: Change): Promise<void> {
  await mkdir(data, { mode: 0o700 });
  for (const name of ['ledger.json', 'trust.json']) {
    await writeFile(join(data, name), await readFile(join(ledger.data, name)), { mode: 0o600 });
  }
  const text = await readFile(join(ledger.data, 'cluster.json'), 'utf8');
  const config = JSON.parse(text) as Record<string, object> & { postgres: { url: string } };
  for (const [part, members] of Object.entries(change)) Object.assign(config[part] ?? {}, members);
  const url = new URL(config.postgres.url);
  url.password = 'wrong';
  config.postgres.url = url.href;
  await writeFile(join(data, 'cluster.json'), JSON.stringify(config), { mode: 0o600 });
}
