import type { CliContext } from './context.ts';
import { sleep, type Service } from './service.ts';

const EXPORT_TIMEOUT_MS = 2_000;
/** A collector that is away keeps no process from ending. */
const FLUSH_WITHIN_MS = 3_000;

export interface Tracing {
  /** Sends what is not sent yet. */
  readonly stop: () => Promise<void>;
}

/**
 * Sends spans by OTLP over HTTP where OTEL_EXPORTER_OTLP_ENDPOINT says; without it nothing of OpenTelemetry is loaded. The other
 * variables of OpenTelemetry (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, …) are read by its own code.
 */
export async function startTracing(
  service: string,
  { env, version }: Pick<CliContext, 'env' | 'version'>,
): Promise<Tracing> {
  if ((env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '') === '') return { stop: () => Promise.resolve() };
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const provider = new NodeTracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': env['OTEL_SERVICE_NAME'] ?? `countersign-${service}`,
      'service.version': version,
    }),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT_MS })),
    ],
  });
  provider.register();
  return {
    stop: async () => {
      // What a collector does not take is lost: traces are for looking on, and nothing depends on them.
      const flushed = provider.shutdown().catch(() => undefined);
      await Promise.race([flushed, sleep(FLUSH_WITHIN_MS)]);
    },
  };
}

/** A service whose last spans are sent once it has stopped. */
export function traced(service: Service, tracing: Tracing): Service {
  return {
    failed: service.failed,
    stop: async () => {
      await service.stop();
      await tracing.stop();
    },
  };
}
