import { createWriteStream, mkdirSync } from 'node:fs';
import { cp, mkdir, readFile } from 'node:fs/promises';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, type Finished, type Running } from '../../demo/countersign.ts';
import { freePort } from '../free-port.ts';
import type { LocalCluster } from './local-cluster.ts';

const READY_WITHIN_MS = 90_000;

export type ServiceKind = 'ledger' | 'projector' | 'gateway';

export interface ClusterLedgerOptions {
  readonly cluster: LocalCluster;
  /** Where data folder and cluster.json go. */
  readonly folder: string;
  readonly prefix?: string;
  readonly partitions?: number;
  readonly tenant?: string;
  readonly shard?: number;
  readonly port?: number;
  readonly more?: readonly string[];
  /** For its projectors, more than what all services get. */
  readonly projectorArgs?: readonly string[];
  /** For its processes, more than they inherit. */
  readonly env?: NodeJS.ProcessEnv;
}

/** One service of a ledger in a process of its own, which may be killed, stopped and started again. */
export class ServiceProcess {
  readonly kind: ServiceKind;
  readonly probe: string;
  /** Where its metrics are. */
  readonly metrics: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #running: Running | undefined;

  constructor(kind: ServiceKind, parts: ServiceParts) {
    this.kind = kind;
    this.probe = parts.probe;
    this.metrics = `${parts.metrics ?? parts.probe}/metrics`;
    this.#args = parts.args;
    this.#env = parts.env;
  }

  start(): void {
    // Not of our group: a Ctrl-C in the terminal is ours, and each service is then told to stop, once.
    this.#running = launch([this.kind, ...this.#args], { env: this.#env, detached: true });
    this.#keepOutput(this.#running.child);
  }

  /** What it says goes on in one file over all its lives, where COUNTERSIGN_CLUSTER_LOGS names a folder for that. */
  #keepOutput({ stdout, stderr, pid }: ChildProcess): void {
    const folder = process.env['COUNTERSIGN_CLUSTER_LOGS'];
    if (folder === undefined) return;
    // Not there, each write would be an error that nobody is waiting for, and fail the run in its stead.
    mkdirSync(folder, { recursive: true });
    const name = `${this.kind}-${new URL(this.probe).port}.log`;
    const file = createWriteStream(join(folder, name), { flags: 'a' });
    file.write(`-- process ${pid ?? 0} at ${new Date().toISOString()}\n`);
    for (const output of [stdout, stderr]) output?.pipe(file, { end: false });
  }

  get running(): Running {
    if (this.#running === undefined) throw new Error(`expected the ${this.kind} to run`);
    return this.#running;
  }

  get isRunning(): boolean {
    const child = this.#running?.child;
    return child?.exitCode === null && child.signalCode === null;
  }

  /** Whatever `/readyz` waits for, or the end of the process. */
  async ready(): Promise<void> {
    const until = Date.now() + READY_WITHIN_MS;
    const ended = this.running.finished.then(({ code, stdout, stderr }): never => {
      throw new Error(`the ${this.kind} ended with ${code}:\n${stdout}${stderr}`);
    });
    ended.catch(() => undefined);
    while (!(await Promise.race([isReady(this.probe), ended]))) {
      if (Date.now() > until) throw new Error(`${this.kind}: ${await answerOf(this.probe)}`);
      await Promise.race([sleep(100), ended]);
    }
  }

  /** As `ready`, under a supervisor that starts again what has ended. */
  async recovered(): Promise<void> {
    const until = Date.now() + READY_WITHIN_MS;
    while (!(await isReady(this.probe))) {
      if (Date.now() > until) throw new Error(`${this.kind}: ${await answerOf(this.probe)}`);
      if (!this.isRunning) this.start();
      await sleep(200);
    }
  }

  /** Its readiness and its metrics, for who has to find out why it does nothing. */
  async describe(): Promise<string> {
    const text = async (url: string): Promise<string> =>
      fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
        (response) => response.text(),
        (error: unknown) => String(error),
      );
    const metrics = await text(this.metrics);
    const own = metrics.split('\n').filter((line) => /^(countersign|kafka)/.test(line));
    return [this.kind, this.probe, await text(`${this.probe}/readyz`), ...own].join('\n');
  }

  signal(name: NodeJS.Signals): void {
    this.running.child.kill(name);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished | undefined> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return undefined;
    running.child.kill(signal);
    return running.finished;
  }
}

/** A ledger on a cluster, as its users found and run it: the real commands, in processes of their own. */
export class ClusterLedger {
  readonly data: string;
  readonly url: string;
  readonly clusterFile: string;
  readonly services: ServiceProcess[] = [];
  readonly #options: ClusterLedgerOptions;
  readonly #port: number;
  #ledgers = 0;

  private constructor(options: ClusterLedgerOptions, port: number, clusterFile: string) {
    this.#options = options;
    this.#port = port;
    this.clusterFile = clusterFile;
    this.data = join(options.folder, options.tenant ?? 'ledger');
    this.url = `http://localhost:${port}`;
  }

  /** Makes the topics and founds the ledger. */
  static async found(options: ClusterLedgerOptions): Promise<ClusterLedger> {
    const { cluster, folder, prefix, tenant, shard, partitions = 4, more = [] } = options;
    await mkdir(folder, { recursive: true });
    const file = await cluster.describe(folder, prefix === undefined ? {} : { prefix });
    const ledger = new ClusterLedger(options, options.port ?? (await freePort()), file);
    await ledger.run(
      ['topics', 'create', '--cluster', file, '--replicas', '1'],
      ['--partitions', String(partitions)],
    );
    await ledger.run(
      ['init', '--data', ledger.data, '--cluster', file, '--public-url', ledger.url, ...more],
      [
        ...(tenant === undefined ? [] : ['--tenant', tenant]),
        ...(shard === undefined ? [] : ['--shard', String(shard)]),
      ],
    );
    return ledger;
  }

  get env(): NodeJS.ProcessEnv {
    // Its cluster is its own, whatever server other tests share.
    const own = { COUNTERSIGN_POSTGRES_URL: undefined };
    return { ...process.env, ...own, ...this.#options.cluster.env, ...this.#options.env };
  }

  /** A command that has to succeed. */
  async run(args: readonly string[], more: readonly string[] = []): Promise<Finished> {
    const done = await launch([...args, ...more], { env: this.env }).finished;
    if (done.code === 0) return done;
    throw new Error(`countersign ${args.join(' ')}: exit ${done.code}\n${done.stderr}`);
  }

  /** Starts services and waits until each is ready. */
  async start(kinds: readonly ServiceKind[]): Promise<ServiceProcess[]> {
    const started: ServiceProcess[] = [];
    for (const kind of kinds) {
      const service = new ServiceProcess(kind, await this.#partsOf(kind));
      service.start();
      started.push(service);
    }
    this.services.push(...started);
    for (const service of started) await service.ready();
    return started;
  }

  of(kind: ServiceKind): ServiceProcess[] {
    return this.services.filter((service) => service.kind === kind);
  }

  /** The one-time link of the founder. */
  async enrolmentLink(): Promise<string> {
    return (await readFile(join(this.data, 'enrolment-link.txt'), 'utf8')).trim();
  }

  /** @throws Error naming a service that did not end as it should, once all have ended */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const ended = await Promise.all(this.services.splice(0).map((each) => each.stop(signal)));
    const failed = ended.find(
      (each) => signal === 'SIGTERM' && each !== undefined && each.code !== 0,
    );
    if (failed !== undefined) {
      throw new Error(`a service ended with ${failed.code}:\n${failed.stdout}${failed.stderr}`);
    }
  }

  async #partsOf(kind: ServiceKind): Promise<ServiceParts> {
    const { env } = this;
    const isFirst = this.of('gateway').length === 0;
    const port = kind === 'gateway' && isFirst ? this.#port : await freePort();
    const at = `127.0.0.1:${port}`;
    // A gateway answers as itself to its public name alone.
    const metricsAt = kind === 'gateway' ? `127.0.0.1:${await freePort()}` : at;
    const listening = kind === 'gateway' ? ['--listen', at] : [];
    const own = kind === 'projector' ? (this.#options.projectorArgs ?? []) : [];
    const args = ['--data', await this.#folderOf(kind), ...listening, '--probe', metricsAt, ...own];
    return { args, env, probe: `http://${at}`, metrics: `http://${metricsAt}` };
  }

  /** Each further ledger has a copy of its own, as on a machine of its own: of several in one folder, one alone keeps the fold. */
  async #folderOf(kind: ServiceKind): Promise<string> {
    if (kind !== 'ledger') return this.data;
    this.#ledgers += 1;
    if (this.#ledgers === 1) return this.data;
    const folder = `${this.data}-${this.#ledgers}`;
    await cp(this.data, folder, {
      recursive: true,
      filter: (from) => !/snapshot\.db|positions\.json/.test(from),
    });
    return folder;
  }
}

async function answerOf(address: string): Promise<string> {
  try {
    return `expected to be ready, got ${await (await fetch(`${address}/readyz`)).text()}`;
  } catch (error) {
    return `expected an answer, got ${String(error)}`;
  }
}

interface ServiceParts {
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
  readonly probe: string;
  /** At the probe unless given. */
  readonly metrics?: string;
}

async function isReady(address: string): Promise<boolean> {
  try {
    return (await fetch(`${address}/readyz`)).ok;
  } catch (error) {
    // Not listening yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}
