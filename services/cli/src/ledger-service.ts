import type { Assignment, GroupMember } from '@countersign/broker-kafka';
import { PUBLIC_TOPICS, type LedgerClock, type Router } from '@countersign/ledger';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { newRouter } from './assembly.ts';
import { cliError } from './cli-error.ts';
import type { OpenData } from './open-data.ts';
import { buildProbe, type ProbeGauge } from './probe.ts';
import { asError, listen, sleep, type Listening, type Service } from './service.ts';
import { ShardWork, type ShardStatus } from './shard-work.ts';

export interface LedgerServiceOptions {
  /** One for each shard, all on the same topics. */
  readonly ledgers: readonly [OpenData, ...OpenData[]];
  readonly probe: Listening | undefined;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/**
 * The writers and the router of any number of ledgers, apart from everything else. Any number of these processes may run: they
 * share the shards among them, and where two hold one for a moment, or for as long as a stopped one sleeps, the log is the same.
 */
export class LedgerService implements Service {
  readonly failed: Promise<never>;
  readonly #options: LedgerServiceOptions;
  readonly #works: readonly ShardWork[];
  readonly #router: Router;
  readonly #probe: FastifyInstance;
  #routing: Promise<unknown> = Promise.resolve();
  #member: GroupMember | undefined;
  #fail: (error: Error) => void = () => undefined;
  #failedCount = 0;

  private constructor(options: LedgerServiceOptions) {
    const { ledgers, logger, nowMs } = options;
    const clock: LedgerClock = { nowMs, sleep };
    this.#options = options;
    this.#works = ledgers.map(
      (data) =>
        new ShardWork({
          data,
          clock,
          logger,
          onFailed: (error) => {
            this.#note(error, data);
          },
        }),
    );
    const isShared = ledgers[0].backends.group !== undefined;
    this.#router = newRouter(ledgers, clock, isShared ? 'assigned' : undefined);
    this.#probe = buildProbe({
      unready: () => unready(this.#works.map(({ status }) => status)),
      gauges: gauges(() => this.#works.map(({ status }) => status)),
    });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** @throws CliError PORT_BUSY; BROKER_UNAVAILABLE and the like */
  static async start(options: LedgerServiceOptions): Promise<LedgerService> {
    const service = new LedgerService(options);
    try {
      if (options.probe !== undefined) await listen(service.#probe, options.probe);
      service.#routing = service.#router.run();
      service.#routing.catch((error: unknown) => {
        service.#fail(asError(error));
      });
      await service.#join();
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    // First the others get the shards; then what was begun here is finished.
    await this.#member?.leave();
    this.#router.stop();
    await Promise.all(this.#works.map((work) => work.stop()));
    await Promise.allSettled([this.#routing]);
    await this.#probe.close();
    for (const { backends, broker } of this.#options.ledgers) {
      backends.routing.close();
      await broker.close();
    }
  }

  async #join(): Promise<void> {
    const [{ backends }] = this.#options.ledgers;
    if (backends.group === undefined) {
      for (const work of this.#works) work.assign(true);
      return;
    }
    this.#member = await backends.group.join((assignment) => {
      this.#assign(assignment);
    });
  }

  #assign(assignment: Assignment): void {
    const { intake = [] } = assignment;
    for (const work of this.#works) work.assign(intake.includes(work.status.shard));
    const moving = PUBLIC_TOPICS.flatMap((topic) =>
      (assignment[topic] ?? []).map((partition) => ({ topic, partition })),
    );
    // What goes wrong with it ends the router's own run.
    void this.#router.assign(moving);
  }

  /** A log that cannot be written on stops nobody else's; a process that has none left to write on ends. */
  #note(error: Error, { mark }: OpenData): void {
    this.#failedCount += 1;
    this.#options.logger.fatal({ err: error, tenant: mark.tenant }, 'the ledger was stopped');
    if (this.#failedCount === this.#works.length) this.#fail(error);
  }
}

/** @throws CliError CONFIG_INVALID */
export function assertOneCluster(ledgers: readonly OpenData[]): void {
  const shards = new Set(ledgers.map(({ mark }) => mark.shard));
  const topics = new Set(ledgers.map(({ backends }) => backends.topics));
  if (shards.size === ledgers.length && topics.size === 1) return;
  throw cliError('CONFIG_INVALID', 'expected ledgers with the same topics, and a shard each', {
    hint: 'run another process for ledgers elsewhere',
  });
}

function unready(all: readonly ShardStatus[]): { code: string; detail: string } | undefined {
  const waiting = all.find(({ state }) => state !== 'running' && state !== 'idle');
  if (waiting === undefined) return undefined;
  const { state, code, tenant } = waiting;
  return { code: code ?? 'STARTING', detail: `the writer of ${tenant} is ${state}` };
}

function gauges(read: () => readonly ShardStatus[]): ProbeGauge[] {
  const of = (
    name: string,
    help: string,
    value: (status: ShardStatus) => number | undefined,
  ): ProbeGauge => ({
    name: `countersign_${name}`,
    help,
    labels: ['tenant'],
    read: () =>
      read().flatMap((status) => {
        const got = value(status);
        return got === undefined ? [] : [{ labels: { tenant: status.tenant }, value: got }];
      }),
  });
  return [
    {
      name: 'countersign_writer_state',
      help: '1 for the state that the writer is in; idle where another process writes',
      labels: ['tenant', 'state'],
      read: () => read().map(({ tenant, state }) => ({ labels: { tenant, state }, value: 1 })),
    },
    of('log_size', 'Entries in the newest sealed head', ({ sealedSize }) => sealedSize),
    of('log_accepted_size', 'Entries in the log, sealed or not', (s) => s.acceptedSize),
    of('intake_offset', 'Next input to decide', ({ intakeOffset }) => intakeOffset),
    of('bindings', 'Bindings in the log', ({ counts }) => counts?.bindings),
    of('lost_batches', 'Batches that another writer came before', (s) => s.counts?.lostBatches),
    of(
      'ignored_batches',
      'Batches in the topic that are not of the log',
      (s) => s.counts?.ignoredBatches,
    ),
    of('quarantined_inputs', 'Inputs of nobody known', ({ counts }) => counts?.quarantined),
  ];
}
