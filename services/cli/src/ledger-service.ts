import type { Assignment, GroupMember } from '@countersign/broker-kafka';
import { PUBLIC_TOPICS, type LedgerClock, type Router } from '@countersign/ledger';
import type { Logger } from 'pino';
import { leftIntakes, newRouter } from './assembly.ts';
import { cliError } from './cli-error.ts';
import type { OpenData } from './open-data.ts';
import { LedgerMetrics } from './ledger-metrics.ts';
import type { ProbeSource, ProcessProbe, Unready } from './process-probe.ts';
import { asError, sleep, type Service } from './service.ts';
import type { ShardStatus } from './shard-status.ts';
import { ShardWork } from './shard-work.ts';
import type { StartPatience } from './start-patience.ts';
import type { Waiting } from './wait-watch.ts';

export interface LedgerServiceOptions {
  /** One for each shard, all on the same topics. */
  readonly ledgers: readonly [OpenData, ...OpenData[]];
  readonly probe: ProcessProbe;
  readonly patience: StartPatience;
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
  readonly #source: ProbeSource;
  #routing: Promise<unknown> = Promise.resolve();
  #member: GroupMember | undefined;
  #fail: (error: Error) => void = () => undefined;
  #failedCount = 0;

  private constructor(options: LedgerServiceOptions) {
    const { ledgers, probe, logger, nowMs } = options;
    const clock: LedgerClock = { nowMs, sleep };
    const metrics = new LedgerMetrics(probe.registry, nowMs);
    this.#options = options;
    this.#works = ledgers.map(
      (data) =>
        new ShardWork({
          data,
          clock,
          logger,
          metrics,
          onFailed: (error) => {
            this.#note(error, data);
          },
        }),
    );
    const isShared = ledgers[0].backends.group !== undefined;
    this.#router = newRouter(ledgers, clock, isShared ? 'assigned' : undefined);
    const statuses = (): ShardStatus[] => this.#works.map(({ status }) => status);
    this.#source = {
      unready: () => unready(statuses()),
      gauges: metrics.gauges(statuses),
      waits: () => statuses().flatMap(waitOf),
      onLook: () => {
        metrics.noteSealed(statuses());
      },
    };
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** @throws BROKER_DENIED and the like, StartInterrupted */
  static async start(options: LedgerServiceOptions): Promise<LedgerService> {
    const service = new LedgerService(options);
    try {
      service.#routing = service.#router.run();
      service.#routing.catch((error: unknown) => {
        service.#fail(asError(error));
      });
      await options.patience.until(options.ledgers[0].mark, () => service.#join());
      options.probe.show(service.#source);
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
    const left = new Set(
      this.#options.ledgers.flatMap(({ mark }) => leftIntakes(mark).map((each) => each.partition)),
    );
    const leaving = intake
      .filter((partition) => left.has(partition))
      .map((partition) => ({ topic: 'intake', partition }) as const);
    // What goes wrong with it ends the router's own run.
    void this.#router.assign([...moving, ...leaving]);
  }

  /** A log that cannot be written on stops nobody else's; a process that has none left to write on ends. */
  #note(error: Error, { mark }: OpenData): void {
    this.#failedCount += 1;
    const { tenant, shard } = mark;
    const line = { event: 'ledger_stopped', err: error, tenant, shard };
    this.#options.logger.fatal(line, 'the ledger was stopped');
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

function unready(all: readonly ShardStatus[]): Unready | undefined {
  const waiting = all.find(({ state }) => state !== 'running' && state !== 'idle');
  if (waiting !== undefined) {
    const { state, code, tenant } = waiting;
    return { code: code ?? 'STARTING', detail: `the writer of ${tenant} is ${state}` };
  }
  const unsigned = all.find(({ signerAway }) => signerAway !== undefined);
  if (unsigned?.signerAway === undefined) return undefined;
  const detail = `the signer of ${unsigned.tenant} is away; nothing waits for it yet`;
  return { code: unsigned.signerAway, detail };
}

/** What waits for somebody else; who starts, or is told to stop, does not. */
function waitOf({ tenant, shard, state, code, signerAway }: ShardStatus): Waiting[] {
  if (state.startsWith('waiting') && code !== undefined) return [{ tenant, shard, state, code }];
  if (signerAway === undefined) return [];
  return [{ tenant, shard, state: 'signer-away', code: signerAway }];
}
