import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Broker } from '@countersign/broker';
import { createTopics, openKafkaBroker } from '@countersign/broker-kafka';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { Router, found } from '@countersign/ledger';
import { kmsClient, openKmsSigner } from '@countersign/signer-kms';
import { ServiceProcess, type ServiceKind } from '../../support/cluster/cluster-ledger.ts';
import type { LocalCluster } from '../../support/cluster/local-cluster.ts';
import { freePort } from '../../support/free-port.ts';
import { MOTO_CLIENT } from '../../support/moto-server.ts';
import { Parties, WEB_ORIGIN } from '../../support/parties.ts';
import { LogFollower } from './log-follower.ts';

const SERVICES_MAX = 2;
const PATIENCE_MS = 600_000;

export interface ShardsOptions {
  readonly cluster: LocalCluster;
  readonly folder: string;
  /** Tells its topics and its read models from those of others on the cluster. */
  readonly name: string;
  readonly shards: number;
  /** Agents of each. */
  readonly crewSize: number;
}

/** One ledger: a tenant of its own, on a partition of its own, under a key of its own. */
export interface Shard {
  readonly partition: number;
  readonly parties: Parties;
  readonly follower: LogFollower;
  readonly schema: string;
}

/** Ledgers on one cluster, written and projected by processes of their own; who asks and who reads is this process. */
export class Shards {
  readonly all: readonly Shard[];
  readonly prefix: string;
  readonly broker: Broker;
  readonly router: Router;
  readonly #services: readonly ServiceProcess[];
  readonly #failed: Promise<never>;
  #running: Promise<void>[] = [];

  private constructor(parts: {
    all: readonly Shard[];
    prefix: string;
    broker: Broker;
    services: readonly ServiceProcess[];
  }) {
    this.all = parts.all;
    this.prefix = parts.prefix;
    this.broker = parts.broker;
    this.#services = parts.services;
    const partitions = new Map(this.all.map((each) => [each.parties.tenant, each.partition]));
    this.router = new Router({
      broker: this.broker,
      clock: { nowMs: Date.now, sleep: () => Promise.resolve() },
      partitionOf: (tenant) => partitions.get(tenant),
      // Only submits.
      positions: { load: () => Promise.resolve(0), save: () => Promise.resolve() },
    });
    this.#running = this.all.map(({ follower }) => follower.run());
    for (const each of this.#services) each.start();
    this.#failed = failureOf(this.#running, this.#services);
    this.#failed.catch(() => undefined);
  }

  static async start(options: ShardsOptions): Promise<Shards> {
    const { cluster, name, shards: partitions } = options;
    const prefix = `${name}.`;
    const kafka = { brokers: [cluster.kafkaAddress], prefix };
    await createTopics(kafka, { prefix, partitions, replicas: 1 });
    const broker = await openKafkaBroker(kafka);
    const all: Shard[] = [];
    for (let partition = 0; partition < partitions; partition += 1) {
      all.push(await foundShard(options, broker, partition));
    }
    const services = await servicesOf(options);
    const shards = new Shards({ all, prefix, broker, services });
    try {
      for (const each of services) await each.ready();
      return shards;
    } catch (error) {
      await shards.stop();
      throw error;
    }
  }

  get ledgerProcesses(): number {
    return this.#services.filter(({ kind }) => kind === 'ledger').length;
  }

  /** The work, unless something that it depends on fails, or it takes far too long. */
  async unlessFailed<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`expected it to be done within ${PATIENCE_MS / 1_000} s`));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([work, this.#failed, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** May be repeated. */
  async stop(): Promise<void> {
    for (const { follower } of this.all) follower.stop();
    await Promise.allSettled(this.#running);
    const ended = await Promise.all(this.#services.map((each) => each.stop()));
    await this.broker.close();
    const failed = ended.find((each) => each !== undefined && each.code !== 0);
    if (failed === undefined) return;
    throw new Error(`a service ended with ${failed.code}:\n${failed.stdout}${failed.stderr}`);
  }
}

/** As `countersign init` leaves it, but with persons and agents who are enrolled from the first entry on. */
async function foundShard(
  { cluster, folder, name, crewSize }: ShardsOptions,
  broker: Broker,
  partition: number,
): Promise<Shard> {
  const schemaPrefix = `${name}_`;
  const data = dataOf(folder, name, partition);
  await mkdir(data, { recursive: true, mode: 0o700 });
  const file = await cluster.describe(data, { prefix: `${name}.`, schemaPrefix });
  const config = JSON.parse(await readFile(file, 'utf8')) as { kms: { key_id: string } };
  const origin = `countersign.bench/${newUlid(Date.now())}/${partition}`;
  const client = kmsClient({ ...MOTO_CLIENT, endpoint: cluster.kmsEndpoint });
  const { vkey } = await openKmsSigner({ keyId: config.kms.key_id, name: origin, client });
  client.destroy();
  const parties = new Parties(origin, Date.now, { crewSize, tenant: `tenant-${partition}` });
  const entry = parties.founding([vkey]);
  const epoch = newUlid(Date.now());
  const { genesis } = await found({ broker, entry, epoch, verifySignature, partition });
  await writeJson(join(data, 'ledger.json'), {
    v: 'countersign.data.v1',
    origin,
    tenant: parties.tenant,
    shard: partition,
    tier: 'cluster',
    demo: false,
    url: WEB_ORIGIN,
    rp_id: 'localhost',
    separation: 'full',
    founder: parties.owner.id,
  });
  await writeJson(join(data, 'trust.json'), {
    v: 'countersign.trust.v1',
    origin,
    log_keys: [vkey],
    genesis,
    accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
  });
  const follower = new LogFollower({ broker, partition, origin, vkey });
  return { partition, parties, follower, schema: `${schemaPrefix}${partition}` };
}

/** At most two of each: more than the machine has cores would only get in each other's way. */
async function servicesOf({
  cluster,
  folder,
  name,
  shards,
}: ShardsOptions): Promise<ServiceProcess[]> {
  const data = Array.from({ length: shards }, (_, partition) => dataOf(folder, name, partition));
  const services: ServiceProcess[] = [];
  const kinds: readonly ServiceKind[] = ['ledger', 'projector'];
  for (const kind of kinds) {
    for (let at = 0; at < Math.min(shards, SERVICES_MAX); at += 1) {
      const probe = `127.0.0.1:${await freePort()}`;
      services.push(
        new ServiceProcess(kind, {
          args: ['--data', ...data, '--probe', probe],
          env: { ...process.env, ...cluster.env },
          probe: `http://${probe}`,
        }),
      );
    }
  }
  return services;
}

function dataOf(folder: string, name: string, partition: number): string {
  return join(folder, `${name}-${partition}`);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value)}\n`, { mode: 0o600 });
}

/** Rejects with the first failure of anybody who should go on for as long as the benchmark does. */
async function failureOf(
  followers: readonly Promise<void>[],
  services: readonly ServiceProcess[],
): Promise<never> {
  const ends = services.map(async ({ kind, running }) => {
    const { code, stdout, stderr } = await running.finished;
    throw new Error(`the ${kind} ended with ${code}:\n${stdout}${stderr}`);
  });
  // A follower that was stopped never ends this.
  const failing = followers.map((each) => each.then(() => new Promise<never>(() => undefined)));
  return Promise.race([...failing, ...ends]);
}
