import Fastify, { type FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

export interface ProbeGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export interface ProbeOptions {
  /** Why the process does not do its work, or undefined while it does. */
  readonly unready: () => { readonly code: string; readonly detail: string } | undefined;
  readonly gauges: readonly ProbeGauge[];
  /** Of what else is measured. */
  readonly registry: Registry;
}

/** What an orchestrator and Prometheus ask of a process that serves nobody else: `/healthz`, `/readyz`, `/metrics`. */
export function buildProbe({ unready, gauges, registry }: ProbeOptions): FastifyInstance {
  const app = Fastify({ logger: false });
  collectDefaultMetrics({ register: registry });
  for (const gauge of gauges) register(gauge, registry);
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    const why = unready();
    return why === undefined ? { status: 'ok' } : reply.code(503).send(why);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  return app;
}

/** The same of a gateway, which answers as itself only to who calls it by its public name. */
export function buildGatewayProbe(gateway: FastifyInstance, host: string): FastifyInstance {
  const app = Fastify({ logger: false });
  for (const url of ['/healthz', '/readyz', '/metrics']) {
    app.get(url, async (_request, reply) => {
      const answer = await gateway.inject({ url, headers: { host } });
      return reply
        .code(answer.statusCode)
        .type(String(answer.headers['content-type']))
        .send(answer.payload);
    });
  }
  return app;
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
