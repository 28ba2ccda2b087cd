import type { Projector } from '@countersign/projector';
import type { ReadModels } from '@countersign/store';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { newProjector } from './assembly.ts';
import { dataError, placeOf } from './data-error.ts';
import type { FoundedData } from './open-data.ts';
import { openStore } from './open-store.ts';
import { buildProbe, type ProbeGauge } from './probe.ts';
import { asError, listen, sleep, type Listening, type Service } from './service.ts';

export interface ProjectorServiceOptions {
  readonly ledgers: readonly [FoundedData, ...FoundedData[]];
  readonly probe: Listening | undefined;
  readonly logger: Logger;
}

interface Following {
  readonly data: FoundedData;
  readonly store: ReadModels;
  readonly projector: Projector;
}

/** Follows the logs of any number of ledgers into their read models. Any number of these processes may run on the same ones. */
export class ProjectorService implements Service {
  readonly failed: Promise<never>;
  readonly #following: readonly Following[];
  readonly #probe: FastifyInstance;
  #running: Promise<unknown>[] = [];
  #fail: (error: Error) => void = () => undefined;

  private constructor(following: readonly Following[]) {
    this.#following = following;
    this.#probe = buildProbe({ unready: () => unready(following), gauges: gauges(following) });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** @throws CliError PORT_BUSY, STORE_UNAVAILABLE, STORE_CORRUPT */
  static async start({ ledgers, probe }: ProjectorServiceOptions): Promise<ProjectorService> {
    const following: Following[] = [];
    for (const data of ledgers) {
      const store = await openStore(data);
      following.push({ data, store, projector: newProjector(data, { store, clock: { sleep } }) });
    }
    const service = new ProjectorService(following);
    try {
      if (probe !== undefined) await listen(service.#probe, probe);
    } catch (error) {
      await service.stop();
      throw error;
    }
    service.#running = following.map((each) => service.#run(each));
    return service;
  }

  async stop(): Promise<void> {
    for (const { projector } of this.#following) projector.stop();
    await Promise.all(this.#running);
    await this.#probe.close();
    for (const { store, data } of this.#following) {
      await store.close();
      await data.broker.close();
    }
  }

  /** A log that contradicts itself is nobody's to follow: the process ends, and says why. */
  async #run({ projector, data }: Following): Promise<void> {
    try {
      await projector.run();
    } catch (error) {
      this.#fail(asError(dataError(error, placeOf(data))));
    }
  }
}

function unready(following: readonly Following[]): { code: string; detail: string } | undefined {
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
    value: (status: Projector['status']) => number,
  ): ProbeGauge => ({
    name: `countersign_${name}`,
    help,
    labels: ['tenant'],
    read: () =>
      following.map(({ data, projector }) => ({
        labels: { tenant: data.mark.tenant },
        value: value(projector.status),
      })),
  });
  return [
    of('log_size', 'Entries in the newest sealed head that was read', (s) => s.sealedSize),
    of('projected_size', 'Entries in the read models', ({ storedSize }) => storedSize),
  ];
}
