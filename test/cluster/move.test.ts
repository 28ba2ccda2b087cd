import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEntry, leafOf, type EntryOf } from '@countersign/binding';
import type { Broker } from '@countersign/broker';
import { openKafkaBroker } from '@countersign/broker-kafka';
import { formatTimestamp, parseStrict, utf8 } from '@countersign/canonical';
import { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { CliProcess, countersign, type Ended } from '../integration/cli-process.ts';
import { ServiceProcess, type ServiceKind } from '../support/cluster/cluster-ledger.ts';
import { PublicProducer } from '../support/cluster/public-producer.ts';
import { freePort } from '../support/free-port.ts';
import { buildGoVerifier } from '../support/go-verifier.ts';
import { HttpPerson } from '../support/http-person.ts';
import { auditLog, type Audit } from '../support/log-audit.ts';
import { successorIn } from '../support/log-successor.ts';
import { tierOfTests } from '../support/tier.ts';

const FROM = 1;
const TO = 4;
const TENANT = 'acme';
const WAIT = { timeout: 60_000, interval: 200 };

let folder: string;
let data: string;
let file: string;
let env: Record<string, string>;
let broker: Broker;
let prefix: string;
let person: HttpPerson;
let producer: PublicProducer;
const running = new Map<ServiceKind, ServiceProcess>();

beforeAll(async () => {
  const tier = tierOfTests();
  if (tier === undefined) throw new Error('expected the set-up of a cluster');
  folder = await mkdtemp(join(tmpdir(), 'countersign-move-'));
  env = { ...tier.env };
  file = await tier.clusterFile(folder, { partitions: 2 });
  data = join(folder, TENANT);
  ({
    kafka: { prefix },
  } = (await jsonIn(file)) as { kafka: { prefix: string } });
  broker = await openKafkaBroker({ brokers: [...inject('cluster').kafka], prefix });
  const init = ['init', '--cluster', file, '--tenant', TENANT, '--shard', String(FROM)];
  await command(...init, '--data', data, '--port', String(await freePort()));
  await startAll();
  person = await HttpPerson.enrol(
    (await readFile(join(data, 'enrolment-link.txt'), 'utf8')).trim(),
  );
  const { kafka } = inject('cluster');
  const interfaceDigest = executorInterface(await audit(FROM));
  producer = await PublicProducer.connect(kafka, {
    ...{ data, prefix, interfaceDigest },
    tenant: TENANT,
  });
}, 240_000);

afterAll(async () => {
  await producer.close();
  await Promise.all([...running.values()].map((each) => each.stop('SIGKILL')));
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

async function jsonIn(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8')) as unknown;
}

/** A command that has to succeed. */
async function command(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await countersign(args, { env });
  if (exit !== 0) throw new Error(`countersign ${args.join(' ')}: ${exit}\n${stdout}${stderr}`);
  return stdout;
}

async function start(kind: ServiceKind): Promise<ServiceProcess> {
  const { url } = (await jsonIn(join(data, 'ledger.json'))) as { url: string };
  const port = kind === 'gateway' ? new URL(url).port : String(await freePort());
  const where = [kind === 'gateway' ? '--listen' : '--probe', `127.0.0.1:${port}`];
  const service = new ServiceProcess(kind, {
    args: ['--data', data, ...where],
    env: { PATH: process.env['PATH'], ...env },
    probe: `http://127.0.0.1:${port}`,
  });
  running.set(kind, service);
  service.start();
  return service;
}

async function startAll(): Promise<void> {
  const started = [await start('ledger'), await start('projector'), await start('gateway')];
  for (const each of started) await each.ready();
}

async function audit(partition: number): Promise<Audit> {
  const trust = (await jsonIn(join(data, 'trust.json'))) as {
    origin: string;
    log_keys: readonly string[];
  };
  return auditLog(broker, { origin: trust.origin, logKeys: trust.log_keys, partition });
}

function executorInterface({ entries: [founding] }: Audit): string {
  const members = founding?.type === 'ledger-founded' ? founding.members : [];
  const executor = members.find(({ kind }) => kind === 'executor');
  if (executor?.kind !== 'executor') throw new Error('expected a founding with an executor');
  return executor.interface_digest;
}

/** Asks with `exec`, which dies before anybody has decided. @returns the id of the action */
async function asked(): Promise<string> {
  const exec = new CliProcess(
    ['exec', '--data', data, '--purpose', 'a test', '--', '/bin/echo', 'it ran'],
    { env },
  );
  const [, id = ''] = await exec.said(/asked for approval: \S+\/action\/(\w{26})/);
  await exec.said(/waiting for a decision/);
  await exec.signal('SIGKILL');
  return id;
}

async function resumed(id: string): Promise<Ended> {
  const args = ['exec', '--data', data, '--resume', id, '--', '/bin/echo', 'it ran'];
  return countersign(args, { env });
}

async function approve(id: string): Promise<void> {
  await vi.waitUntil(
    async () => (await person.inbox()).some((each) => each.action_id === id),
    WAIT,
  );
  const answer = await person.decide(id, 'approve', 'as agreed');
  expect([answer.status, answer.body['code']]).toEqual([201, undefined]);
}

async function entryOf<T extends 'binding-made' | 'binding-used'>(
  type: T,
  actionId: string,
  partition: number,
): Promise<EntryOf<T>> {
  let found: EntryOf<T> | undefined;
  await vi.waitUntil(
    async () => {
      const { entries } = await audit(partition);
      found = entries.find(
        (entry): entry is EntryOf<T> =>
          entry.type === type && 'action_id' in entry && entry.action_id === actionId,
      );
      return found !== undefined;
    },
    { timeout: 60_000, interval: 1_000 },
  );
  if (found === undefined) throw new Error(`expected ${type} of ${actionId}`);
  return found;
}

async function partitionsOf(topic: string): Promise<number> {
  const { kafka } = inject('cluster');
  const admin = new Kafka({ brokers: [...kafka], logCreator: () => () => undefined }).admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${prefix}${topic}`] });
    return topics[0]?.partitions.length ?? 0;
  } finally {
    await admin.disconnect();
  }
}

describe('more shards later', () => {
  it('leave what is open as it is: decided, bound and used after the topics have grown', async () => {
    const before = await producer.request();
    await vi.waitUntil(async () => (await person.inbox()).length === 1, WAIT);
    const said = await command(
      'topics',
      'create',
      '--cluster',
      file,
      '--partitions',
      '5',
      '--replicas',
      '1',
    );
    expect(said).toContain(`${prefix}log`);
    expect(said).toContain('have 5 partitions now');
    expect(await partitionsOf('action-requested')).toBe(5);
    expect(await command('topics', 'check', '--cluster', file)).toContain('as they have to be');
    await approve(before);
    const binding = await entryOf('binding-made', before, FROM);
    // Its own partitioner knows five partitions by now, and the router follows.
    await producer.use(binding, leafOf(encodeEntry(binding)));
    expect((await entryOf('binding-used', before, FROM)).use_number).toBe(1);
    const later = await Promise.all(Array.from({ length: 6 }, () => producer.request()));
    await vi.waitUntil(async () => (await person.inbox()).length === later.length, WAIT);
    expect(producer.partitions.size).toBeGreaterThan(1);
    for (const id of later) {
      expect((await person.decide(id, 'deny', 'enough of it')).status).toBe(201);
    }
  }, 180_000);
});

describe('a ledger on a cluster that moves to another shard', () => {
  let open: string;
  let unused: string;
  let before: Audit;

  it('is asked for a shard that is there and free, and persons approve it', async () => {
    unused = await asked();
    await approve(unused);
    open = await asked();
    const missing = await countersign(['move', 'prepare', '--to', '9', '--data', data], { env });
    expect([missing.exit, missing.stderr]).toEqual([1, expect.stringContaining('SHARD_MISSING')]);
    expect(missing.stderr).toContain('topics create --cluster');
    const nothing = await command('move', 'complete', '--data', data, '--json');
    expect(parseStrict(utf8(nothing))).toMatchObject({ shard: FROM, moved: false });
    const early = await countersign(['move', 'prepare', '--to', String(FROM), '--data', data], {
      env,
    });
    expect(early.exit).toBe(2);
    const action = join(folder, 'move.json');
    await writeFile(action, await command('move', 'prepare', '--to', String(TO), '--data', data));
    const operator = ['--key', join(data, 'keys', 'operator.key'), '--agent-id', 'operator'];
    const requested = await command('request', action, '--data', data, ...operator, '--json');
    const { action_id: id } = JSON.parse(requested) as { action_id: string };
    await approve(id);
  }, 180_000);

  it('ends in the old one: its services stop or take nothing, and say how it goes on', async () => {
    const [ledger, projector] = [running.get('ledger'), running.get('projector')];
    for (const service of [ledger, projector]) {
      const { code, stderr } = (await service?.running.finished) ?? {};
      expect([code, stderr]).toEqual([1, expect.stringContaining('LOG_MOVED')]);
      expect(stderr).toContain(`move complete --data ${data}`);
    }
    const gateway = running.get('gateway');
    const unready = async (): Promise<string> => (await fetch(`${gateway?.probe}/readyz`)).text();
    await vi.waitUntil(async () => /LOG_MOVED|LEDGER_AWAY/.test(await unready()), WAIT);
    const { status } = await person.decide(open, 'approve', 'too early');
    expect(status).toBe(503);
    await gateway?.stop();
    for (const kind of ['ledger', 'projector'] as const) {
      const again = await countersign([kind, '--data', data], { env });
      expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('LOG_MOVED')]);
      expect(again.stderr).toContain(`move complete --data ${data}`);
    }
    before = await audit(FROM);
    expect(before.sealedSize).toBe(before.size);
  }, 120_000);

  it('C15: takes nothing more there from a writer that does not know', async () => {
    const value = await successorIn(broker, FROM);
    await broker.append({ topic: 'log', partition: FROM }, [{ key: 'batch/any', value }]);
    const { size, counts } = await audit(FROM);
    expect([size, counts.closedBatches]).toEqual([before.size, 1]);
  });

  it('does not begin on the new shard before it has arrived there', async () => {
    const mark = await readFile(join(data, 'ledger.json'), 'utf8');
    await writeFile(join(data, 'ledger.json'), mark.replace(`"shard":${FROM}`, `"shard":${TO}`));
    const { exit, stderr } = await countersign(['ledger', '--data', data], { env });
    expect([exit, stderr]).toEqual([1, expect.stringContaining('NOT_ITS_SHARD')]);
    expect(stderr).toContain(`move complete --data ${data}`);
    const founded = ['init', '--cluster', file, '--tenant', 'globex', '--shard', String(TO)];
    const other = await countersign([...founded, '--data', join(folder, 'globex')], { env });
    expect([other.exit, other.stderr]).toEqual([1, expect.stringContaining('FOREIGN_LEDGER')]);
    await writeFile(join(data, 'ledger.json'), mark);
  });

  it('is whole after movers that were killed in the middle', async () => {
    // Somebody who had not noticed the move: nobody has decided that yet.
    await producer.intoIntake(broker, FROM);
    for (const topic of ['content', 'intake', 'log'] as const) {
      const mover = new CliProcess(['move', 'complete', '--data', data], { env });
      // Of the log, the founding entry was there before.
      const before = topic === 'log' ? 1 : 0;
      await broker.waitBeyond({ topic, partition: TO }, before, 30_000);
      await mover.signal('SIGKILL');
    }
    const done = await command('move', 'complete', '--data', data);
    expect(done).toContain(`the ledger lives on shard ${TO}`);
    expect(await jsonIn(join(data, 'ledger.json'))).toMatchObject({ shard: TO });
    const there = await audit(TO);
    expect(there.entries).toEqual(before.entries);
    expect(there.sealedSize).toBe(before.size);
    expect(await command('move', 'complete', '--data', data)).toContain('nothing to move');
  }, 120_000);

  it('goes on with what was open, approved and waiting, and with what still comes to the old intake', async () => {
    const late = await producer.intoIntake(broker, FROM);
    await startAll();
    await person.signIn();
    const isThere = async (): Promise<boolean> =>
      (await person.inbox()).some(({ action_id: id }) => id === late);
    await vi.waitUntil(isThere, WAIT);
    expect((await person.inbox()).map(({ action_id: id }) => id)).toContain(producer.sent.at(-2));
    await approve(open);
    for (const id of [open, unused]) {
      const ran = await resumed(id);
      expect([ran.exit, ran.stdout]).toEqual([0, 'it ran\n']);
    }
    const { entries, size, sealedSize, counts } = await audit(TO);
    expect(entries.slice(0, before.size)).toEqual(before.entries);
    expect([sealedSize, counts.closedBatches, counts.ignoredBatches]).toEqual([size, 0, 0]);
    expect((await audit(FROM)).size).toBe(before.size);
  }, 180_000);

  it('proves what was bound before and after to both verifiers', async () => {
    const go = buildGoVerifier(folder);
    const trust = join(data, 'trust.json');
    for (const [at, id] of [unused, open].entries()) {
      const evidence = join(folder, `evidence-${at}.json`);
      await command('evidence', id, '--data', data, '-o', evidence);
      expect(await command('verify', evidence, '--trust', trust)).toContain('VALID at level human');
      const now = formatTimestamp(Date.now());
      const said = execFileSync(go, [evidence, trust, '--level', 'human', '--now', now]);
      expect(said.toString()).toContain('VALID');
    }
  }, 120_000);
});
