import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { useLatin1Reader, useSha256 } from '@countersign/canonical';
import { nativeLatin1Reader, nativeSha256 } from '@countersign/crypto-node';
import { useSha256 as useSha256InTrees } from '@countersign/tlog';
import { Client } from 'pg';
import { startObservedCluster, type ObservedCluster } from '../support/cluster/local-cluster.ts';
import { MOTO } from '../support/moto-server.ts';
import { clusterTables, type ClusterReport } from './cluster/cluster-report.ts';
import { decide, prepare } from './cluster/load.ts';
import {
  measureAlone,
  measureLoad,
  type AloneFigures,
  type LoadFigures,
} from './cluster/measure.ts';
import { Shards } from './cluster/shards.ts';
import { measureSizes, type SizeFigures } from './cluster/sizes.ts';
import { OPEN_PER_AGENT } from './decisions.ts';

interface Amounts {
  /** Bindings under load, for each number of shards. */
  readonly count: number;
  readonly shards: readonly number[];
  /** Of each shard. */
  readonly inFlight: number;
  readonly warm: number;
  readonly alone: number;
  readonly sizes: number;
}

interface Place {
  readonly cluster: ObservedCluster;
  readonly folder: string;
  readonly amounts: Amounts;
}

/** All measurements, one after the other on one cluster, each on ledgers of its own. */
class Run {
  readonly #cluster: ObservedCluster;
  readonly #folder: string;
  readonly #amounts: Amounts;

  constructor({ cluster, folder, amounts }: Place) {
    this.#cluster = cluster;
    this.#folder = folder;
    this.#amounts = amounts;
  }

  alone(): Promise<AloneFigures> {
    return this.#withShards('alone', 1, (shards) =>
      measureAlone(this.#cluster, shards, this.#amounts.alone),
    );
  }

  load(count: number): Promise<LoadFigures> {
    const name = `load_${count}`;
    return this.#withShards(name, count, (shards) =>
      measureLoad(this.#cluster, shards, { ...this.#amounts, name }),
    );
  }

  sizes(): Promise<SizeFigures> {
    return this.#withShards('sizes', 1, (shards) =>
      measureSizes(this.#cluster, shards, this.#amounts.sizes),
    );
  }

  async #withShards<T>(
    name: string,
    count: number,
    work: (shards: Shards) => Promise<T>,
  ): Promise<T> {
    const { count: bindings, warm, alone, sizes, inFlight } = this.#amounts;
    const most = Math.max(bindings / count, warm, alone, sizes);
    const shards = await Shards.start({
      cluster: this.#cluster,
      folder: this.#folder,
      name,
      shards: count,
      crewSize: Math.ceil(most / OPEN_PER_AGENT) + 1,
    });
    try {
      // What the engines have not compiled yet is not what anybody waits for in the long run.
      await decide(shards, inFlight, await prepare(shards, warm * count));
      return await work(shards);
    } finally {
      await shards.stop();
    }
  }
}

async function measure(place: Place): Promise<ClusterReport> {
  const { cluster, amounts } = place;
  const before = loads();
  const run = new Run(place);
  note('one at a time …');
  const alone = await run.alone();
  const load: LoadFigures[] = [];
  for (const shards of amounts.shards) {
    note(`${shards} shards …`);
    load.push(await run.load(shards));
  }
  note('sizes …');
  const sizes = await run.sizes();
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    load: [before, loads()],
    at: new Date().toISOString(),
    versions: await versionsOf(cluster),
  };
  return { machine, alone, load, sizes };
}

function loads(): number[] {
  return loadavg().map((each) => Math.round(each * 10) / 10);
}

async function versionsOf({ postgres }: ObservedCluster): Promise<Record<string, string>> {
  const pom = await readFile(
    join(import.meta.dirname, '..', 'support', 'kafka', 'pom.xml'),
    'utf8',
  );
  const root = await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  const { devDependencies } = JSON.parse(root) as { devDependencies: Record<string, string> };
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return {
      'Apache Kafka': /kafka_2\.13<\/artifactId>\s*<version>([\d.]+)/u.exec(pom)?.[1] ?? 'unknown',
      kafkajs: devDependencies['kafkajs'] ?? 'unknown',
      PostgreSQL: rows[0]?.server_version ?? 'unknown',
      moto: MOTO.requirement.split('==')[1] ?? 'unknown',
    };
  } finally {
    await client.end();
  }
}

function note(what: string): void {
  process.stderr.write(`${what}\n`);
}

function amountsOf(values: Readonly<Record<string, string | undefined>>): Amounts {
  const number = (name: string, least = 1): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new Error(`--${name}: expected a whole number of at least ${least}, got ${values[name]}`);
  };
  const shards = (values['shards'] ?? '').split(',').map(Number);
  if (!shards.every((each) => Number.isSafeInteger(each) && each >= 1 && each <= 64)) {
    throw new Error('--shards: expected numbers from 1 to 64 with commas between them');
  }
  return {
    count: number('count', Math.max(...shards)),
    shards,
    inFlight: number('in-flight'),
    warm: number('warm'),
    alone: number('alone'),
    sizes: number('sizes'),
  };
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '4000' },
    shards: { type: 'string', default: '1,2,4' },
    'in-flight': { type: 'string', default: '256' },
    warm: { type: 'string', default: '500' },
    alone: { type: 'string', default: '300' },
    sizes: { type: 'string', default: '300' },
    json: { type: 'string' },
  },
});
// As the process of a gateway does.
useLatin1Reader(nativeLatin1Reader);
useSha256(nativeSha256);
useSha256InTrees(nativeSha256);

const amounts = amountsOf(values);
const folder = await mkdtemp(join(tmpdir(), 'bench-cluster-'));
try {
  const cluster = await startObservedCluster({ say: note });
  try {
    const report = await measure({ cluster, folder, amounts });
    console.log(clusterTables(report));
    if (values.json !== undefined) {
      await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
    }
  } finally {
    await cluster.stop();
  }
} finally {
  await rm(folder, { recursive: true });
}
