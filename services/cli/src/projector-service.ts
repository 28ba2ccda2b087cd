import { LedgerError } from '@countersign/ledger';
import type { Projector } from '@countersign/projector';
import type { ReadModels } from '@countersign/store';
import type { Logger } from 'pino';
import { newProjector } from './assembly.ts';
import { CliError } from './cli-error.ts';
import { dataError, placeOf } from './data-error.ts';
import type { FoundedData } from './open-data.ts';
import { openStore } from './open-store.ts';
import type { ProbeGauge, ProcessProbe, Unready } from './process-probe.ts';
import { ProjectorLag } from './projector-lag.ts';
import { asError, sleep, type Service } from './service.ts';
import type { StartPatience } from './start-patience.ts';
import type { Waiting } from './wait-watch.ts';
import { awayCode, newWebhooks, type Webhook, type WebhookTargets } from './webhooks.ts';
import { assertNoAlarm } from './witness-alarm.ts';
import { WitnessMetrics } from './witness-metrics.ts';
import { WitnessWatch } from './witness-watch.ts';

export interface ProjectorServiceOptions {
  readonly ledgers: readonly [FoundedData, ...FoundedData[]];
  readonly probe: ProcessProbe;
  readonly patience: StartPatience;
  /** Who is told of the findings of each log. */
  readonly webhooks: WebhookTargets;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

const ALARMS: ReadonlySet<string> = new Set(['LOG_ROLLBACK', 'EQUIVOCATION']);

interface Following {
  readonly data: FoundedData;
  readonly store: ReadModels;
  readonly projector: Projector;
  readonly lag: ProjectorLag;
  /** Where the trust file names witnesses. */
  readonly witnesses: WitnessWatch | undefined;
  /** With which code a witness has contradicted the log. */
  alarm: string | undefined;
  readonly webhooks: readonly Webhook[];
}

/** Follows the logs of any number of ledgers into their read models. Any number of these processes may run on the same ones. */
export class ProjectorService implements Service {
  readonly failed: Promise<never>;
  readonly #following: readonly Following[];
  readonly #stopped = new AbortController();
  readonly #logger: Logger;
  readonly #metrics: WitnessMetrics;
  #running: Promise<unknown>[] = [];
  #movedCount = 0;
  #fail: (error: Error) => void = () => undefined;

  private constructor(
    following: readonly Following[],
    { logger, metrics }: { readonly logger: Logger; readonly metrics: WitnessMetrics },
  ) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#following = following;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** @throws CliError STORE_SETTINGS, STORE_CORRUPT, StartInterrupted */
  static async start(options: ProjectorServiceOptions): Promise<ProjectorService> {
    const { ledgers, probe, patience, nowMs } = options;
    const following: Following[] = [];
    const metrics = new WitnessMetrics(probe.registry);
    try {
      for (const data of ledgers) {
        const store = await patience.until(data.mark, () => openStore(data));
        const projector = newProjector(data, { store, clock: { sleep } });
        const lag = new ProjectorLag({ data, store, nowMs });
        const witnesses = newWitnesses({ data, store, projector, metrics }, options);
        const { proofs } = projector;
        const { origin, tenant } = data.mark;
        const webhooks = newWebhooks(options.webhooks, { store, proofs, origin, tenant, nowMs });
        following.push({ data, store, projector, lag, witnesses, webhooks, alarm: undefined });
      }
    } catch (error) {
      for (const { store } of following) await store.close();
      throw error;
    }
    const service = new ProjectorService(following, { logger: options.logger, metrics });
    probe.show({
      unready: () => unready(following),
      gauges: gauges(following),
      waits: () => following.flatMap(waitOf),
    });
    const { signal } = service.#stopped;
    service.#running = [
      ...following.map((each) => service.#run(each)),
      ...following.map(({ lag }) => lag.watch(signal)),
      ...following.map((each) => service.#ask(each, signal)),
      ...following.map((each) => service.#tell(each)),
    ];
    return service;
  }

  async stop(): Promise<void> {
    for (const { projector, webhooks } of this.#following) {
      projector.stop();
      for (const webhook of webhooks) webhook.stop();
    }
    this.#stopped.abort();
    await Promise.all(this.#running);
    for (const { store, data } of this.#following) {
      await store.close();
      await data.broker.close();
    }
  }

  /**
   * A log that witnesses contradict is not followed: what would be read of it may be taken back. The process stays, and says so to
   * whoever watches it.
   */
  async #ask(each: Following, stopped: AbortSignal): Promise<void> {
    const { witnesses, data, projector } = each;
    if (witnesses === undefined) return;
    const { tenant, shard } = data.mark;
    try {
      await assertNoAlarm(data.folder);
      await witnesses.run(stopped);
    } catch (error) {
      const cause = asError(dataError(error, placeOf(data)));
      if (!(cause instanceof CliError) || !ALARMS.has(cause.code)) {
        this.#fail(cause);
        return;
      }
      projector.stop();
      each.alarm = cause.code;
      this.#metrics.alarm(tenant, cause.code);
      const line = { event: 'ledger_stopped', err: cause, tenant, shard };
      this.#logger.fatal(line, 'a witness contradicts the log');
    }
  }

  /**
   * A log that contradicts itself is nobody's to follow: the process ends, and says why. One that has moved elsewhere stops nobody
   * else's; a process that has none left to follow ends.
   */
  async #run({ projector, data }: Following): Promise<void> {
    try {
      await projector.run();
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'LOG_MOVED') {
        this.#movedCount += 1;
        const { tenant, shard } = data.mark;
        const line = { event: 'ledger_stopped', err: error, tenant, shard };
        this.#logger.fatal(line, 'the log has moved');
        if (this.#movedCount < this.#following.length) return;
      }
      this.#fail(asError(dataError(error, placeOf(data))));
    }
  }

  async #tell({ webhooks, data }: Following): Promise<void> {
    try {
      await Promise.all(webhooks.map((webhook) => webhook.run()));
    } catch (error) {
      this.#fail(asError(dataError(error, placeOf(data))));
    }
  }
}

/** Here, and not beside the writers: the proofs need all of the tree, which the read models have. */
function newWitnesses(
  parts: Pick<Following, 'data' | 'store' | 'projector'> & { readonly metrics: WitnessMetrics },
  { logger, nowMs }: Pick<ProjectorServiceOptions, 'logger' | 'nowMs'>,
): WitnessWatch | undefined {
  const { data, store, projector, metrics } = parts;
  const { witnessPolicy: policy } = data.trust;
  if (policy === undefined) return undefined;
  return new WitnessWatch({
    ...{ data, policy, store, metrics, logger, nowMs, proofs: projector.proofs },
    // Gateways hear of it from the store.
    onCosigned: () => undefined,
  });
}

function unready(following: readonly Following[]): Unready | undefined {
  const stopped = following.find(({ alarm }) => alarm !== undefined);
  if (stopped?.alarm !== undefined) {
    const { folder, mark } = stopped.data;
    const detail = `${mark.tenant}: stopped, as ${folder.alarmFile} says`;
    return { code: stopped.alarm, detail };
  }
  const away = following.find(({ lag }) => lag.away !== undefined);
  if (away?.lag.away !== undefined) {
    return {
      code: away.lag.away,
      detail: `${away.data.mark.tenant}: what it follows or writes is away`,
    };
  }
  const waiting = following.find(({ projector }) => projector.status.state !== 'following');
  if (waiting === undefined) return undefined;
  const { state, code } = waiting.projector.status;
  const { tenant } = waiting.data.mark;
  return { code: code ?? 'STARTING', detail: `the projector of ${tenant} is ${state}` };
}

function gauges(following: readonly Following[]): ProbeGauge[] {
  const of = (
    name: string,
    help: string,
    value: (following: Following) => number | undefined,
  ): ProbeGauge => ({
    name: `countersign_${name}`,
    help,
    labels: ['tenant'],
    read: () =>
      following.flatMap((each) => {
        const got = value(each);
        return got === undefined ? [] : [{ labels: { tenant: each.data.mark.tenant }, value: got }];
      }),
  });
  return [
    of(
      'log_size',
      'Entries in the newest sealed head that was read',
      ({ projector }) => projector.status.sealedSize,
    ),
    of(
      'projected_size',
      'Entries in the read models',
      ({ projector }) => projector.status.storedSize,
    ),
    of(
      'projector_lag_records',
      'Records of the log topic not in the read models',
      (f) => f.lag.records,
    ),
    of(
      'projector_lag_seconds',
      'Seconds since the read models held all of the log topic',
      (f) => f.lag.seconds,
    ),
    {
      name: 'countersign_findings',
      help: 'Findings that this process has stored since its start, by code',
      labels: ['tenant', 'code'],
      read: () =>
        following.flatMap(({ projector, data }) =>
          [...projector.findings].map(([code, value]) => ({
            labels: { tenant: data.mark.tenant, code },
            value,
          })),
        ),
    },
  ];
}

function waitOf({ projector, webhooks, data }: Following): Waiting[] {
  const { state, code } = projector.status;
  const { tenant, shard } = data.mark;
  if (state === 'waiting-store' && code !== undefined) return [{ tenant, shard, state, code }];
  const away = awayCode(webhooks);
  return away === undefined ? [] : [{ tenant, shard, state: 'waiting-webhook', code: away }];
}
