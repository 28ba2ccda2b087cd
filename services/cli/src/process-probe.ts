import Fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { listen, type Listening } from './service.ts';
import { WaitWatch, type Waiting } from './wait-watch.ts';

export interface ProbeGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export interface Unready {
  readonly code: string;
  readonly detail: string;
}

/** What a part of a process tells of itself while it is the one to speak for it. */
export interface ProbeSource {
  /** Why the process does not do its work, or undefined while it does. */
  readonly unready: () => Unready | undefined;
  readonly gauges?: readonly ProbeGauge[];
  /** What waits now. */
  readonly waits: () => readonly Waiting[];
  /** Called at each look for waits. */
  readonly onLook?: () => void;
  /** An app that answers for itself instead, as itself only to who calls it by this name. */
  readonly app?: { readonly instance: FastifyInstance; readonly host: string };
}

export interface ProcessProbeParts {
  readonly where: Listening | undefined;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/**
 * What an orchestrator and Prometheus ask of a process, `/healthz`, `/readyz` and `/metrics`, from before anything of it is
 * open until its end; and what it logs of its waits.
 */
export class ProcessProbe {
  /** Of what else is measured. */
  readonly registry: Registry = new Registry();
  readonly #server: FastifyInstance = Fastify({ logger: false });
  readonly #watch: WaitWatch;
  readonly #stopped = new AbortController();
  #source: ProbeSource | undefined;
  #watching: Promise<void> = Promise.resolve();

  private constructor({ logger, nowMs }: ProcessProbeParts) {
    const { registry } = this;
    collectDefaultMetrics({ register: registry });
    this.#watch = new WaitWatch({
      logger,
      nowMs,
      registry,
      read: () => this.#source?.waits() ?? [],
      onLook: () => this.#source?.onLook?.(),
    });
    this.#serve();
  }

  /** @throws CliError PORT_BUSY */
  static async start(parts: ProcessProbeParts): Promise<ProcessProbe> {
    const probe = new ProcessProbe(parts);
    if (parts.where !== undefined) await listen(probe.#server, parts.where, '--probe');
    probe.#watching = probe.#watch.run(probe.#stopped.signal);
    return probe;
  }

  /** From now on this is what is told. */
  show(source: ProbeSource): void {
    this.#source = source;
    for (const gauge of source.gauges ?? []) register(gauge, this.registry);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
    await this.#server.close();
  }

  #serve(): void {
    this.#route('/healthz', () => Promise.resolve({ status: 200, body: { status: 'ok' } }));
    this.#route('/readyz', () => {
      const why = this.#unready();
      const answer = why === undefined ? { status: 200, body: { status: 'ok' } } : undefined;
      return Promise.resolve(answer ?? { status: 503, body: why });
    });
    this.#route('/metrics', async () => ({
      status: 200,
      type: this.registry.contentType,
      body: await this.registry.metrics(),
    }));
  }

  #unready(): Unready | undefined {
    if (this.#source !== undefined) return this.#source.unready();
    return { code: 'STARTING', detail: 'the process has just been started' };
  }

  #route(url: string, own: () => Promise<Answer>): void {
    this.#server.get(url, async (_request, reply) => {
      const app = this.#source?.app;
      const { status, type, body } = app === undefined ? await own() : await answerOf(app, url);
      if (type !== undefined) void reply.type(type);
      return reply.code(status).send(body);
    });
  }
}

interface Answer {
  readonly status: number;
  /** JSON unless given. */
  readonly type?: string;
  readonly body: unknown;
}

async function answerOf(
  { instance, host }: NonNullable<ProbeSource['app']>,
  url: string,
): Promise<Answer> {
  const { statusCode, headers, payload } = await instance.inject({ url, headers: { host } });
  return { status: statusCode, type: String(headers['content-type']), body: payload };
}

function register({ name, help, labels, read }: ProbeGauge, registry: Registry): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect: () => {
      gauge.reset();
      for (const each of read()) gauge.set({ ...each.labels }, each.value);
    },
  });
}
