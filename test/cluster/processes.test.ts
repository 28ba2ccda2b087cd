import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Kafka } from 'kafkajs';
import { countersign } from '../integration/cli-process.ts';
import { freePort } from '../support/free-port.ts';
import { ServiceProcess } from '../support/cluster/cluster-ledger.ts';
import { HttpPerson } from '../support/http-person.ts';
import { tierOfTests } from '../support/tier.ts';

const TENANTS = ['acme', 'globex'] as const;

let folder: string;
let file: string;
let env: Record<string, string>;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  const tier = tierOfTests();
  if (tier === undefined) throw new Error('expected the set-up of a cluster');
  folder = await mkdtemp(join(tmpdir(), 'countersign-processes-'));
  env = { ...tier.env };
  file = await tier.clusterFile(folder, { partitions: TENANTS.length });
});

afterAll(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

async function command(
  ...args: string[]
): Promise<{ exit: unknown; stdout: string; stderr: string }> {
  return countersign(args, { env });
}

/** @returns its data folder */
async function founded(tenant: string, shard: number): Promise<string> {
  const data = join(folder, tenant);
  const init = ['init', '--cluster', file, '--data', data, '--port', String(await freePort())];
  const { exit, stderr } = await command(...init, '--tenant', tenant, '--shard', String(shard));
  expect([exit, stderr]).toEqual([0, '']);
  return data;
}

/** @param at where it answers; a free port where nobody else needs to know it */
async function service(
  kind: ServiceProcess['kind'],
  more: readonly string[],
  at?: URL,
): Promise<ServiceProcess> {
  const port = at?.port ?? String(await freePort());
  const where = [kind === 'gateway' ? '--listen' : '--probe', `127.0.0.1:${port}`];
  const started = new ServiceProcess(kind, {
    args: [...more, ...where],
    env: { PATH: process.env['PATH'], ...env },
    probe: `http://127.0.0.1:${port}`,
  });
  running.push(started);
  started.start();
  await started.ready();
  return started;
}

/** Tenants whose log the process writes. */
async function writes({ probe }: ServiceProcess): Promise<string[]> {
  const text = await (await fetch(`${probe}/metrics`)).text();
  const states = text.matchAll(/^countersign_writer_state\{tenant="(\w+)",state="running"\} 1$/gm);
  return [...states].map(([, tenant = '']) => tenant).sort();
}

async function urlOf(data: string): Promise<string> {
  return (JSON.parse(await readFile(join(data, 'ledger.json'), 'utf8')) as { url: string }).url;
}

describe('ledgers of several tenants on one cluster', () => {
  let data: string[];
  let ledgers: ServiceProcess[];

  beforeAll(async () => {
    data = [];
    for (const [shard, tenant] of TENANTS.entries()) data.push(await founded(tenant, shard));
    ledgers = [
      await service('ledger', ['--data', ...data]),
      await service('ledger', ['--data', ...data]),
    ];
    await service('projector', ['--data', ...data]);
  });

  it('are shared by the processes, each shard by one', async () => {
    await expect
      .poll(async () => (await Promise.all(ledgers.map(writes))).flat().sort(), { timeout: 60_000 })
      .toEqual([...TENANTS]);
  });

  it('are taken over, whole, from a process that is stopped, and bind for their tenants only', async () => {
    const [first, second] = ledgers;
    expect((await first?.stop('SIGTERM'))?.code).toBe(0);
    await expect
      .poll(() => (second === undefined ? [] : writes(second)), { timeout: 60_000 })
      .toEqual([...TENANTS]);
    for (const [shard, each] of data.entries()) {
      const url = await urlOf(each);
      await service('gateway', ['--data', each], new URL(url));
      // Who enrols is in an entry that the process has sealed: in the log of this tenant.
      const link = (await readFile(join(each, 'enrolment-link.txt'), 'utf8')).trim();
      await HttpPerson.enrol(link);
      const ledger = (await (await fetch(`${url}/v1/ledger`)).json()) as { tenant: string };
      expect(ledger.tenant).toBe(TENANTS[shard]);
    }
  });

  it('refuse a second ledger on a shard that has one', async () => {
    const init = ['init', '--cluster', file, '--data', join(folder, 'third'), '--tenant', 'third'];
    const { exit, stderr } = await command(...init, '--port', String(await freePort()));
    expect([exit, /FOREIGN_LEDGER/.test(stderr)]).toEqual([1, true]);
  });
});

describe('a ledger process', () => {
  it('C14: refuses a log that was emptied', async () => {
    const tier = tierOfTests();
    const own = join(folder, 'cut');
    const cluster = (await tier?.clusterFile(own)) ?? '';
    const at = join(own, 'ledger');
    const init = ['init', '--cluster', cluster, '--data', at, '--port', String(await freePort())];
    expect((await command(...init)).exit).toBe(0);
    const ledger = await service('ledger', ['--data', at]);
    expect((await ledger.stop('SIGTERM'))?.code).toBe(0);
    const { kafka } = JSON.parse(await readFile(cluster, 'utf8')) as {
      kafka: { prefix: string };
    };
    await replaceLog(`${kafka.prefix}log`);
    const { exit, stderr } = await command('ledger', '--data', at);
    expect([exit, stderr]).toEqual([1, expect.stringMatching(/LOG_ROLLBACK/)]);
  });

  it('needs a cluster for what runs apart', async () => {
    const at = join(folder, 'files');
    expect((await command('init', '--data', at, '--port', String(await freePort()))).exit).toBe(0);
    const { exit, stderr } = await command('gateway', '--data', at);
    expect([exit, /USAGE.*on a cluster/.test(stderr)]).toEqual([2, true]);
  });
});

/** The topic is there again, and empty, as after a restore that forgot it. */
async function replaceLog(topic: string): Promise<void> {
  const { kafka } = inject('cluster');
  const admin = new Kafka({ brokers: [...kafka], logCreator: () => () => undefined }).admin();
  await admin.connect();
  try {
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] });
  } finally {
    await admin.disconnect();
  }
}
