import {
  context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import type { TraceContext } from './trace-context.ts';

const TRACER = 'countersign';
/** Beyond it links say nothing to anybody. */
const LINKS_MAX = 32;

type Kind = 'server' | 'producer' | 'consumer' | 'client';

const KINDS: Readonly<Record<Kind, SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
};

export interface SpanOptions {
  readonly kind?: Kind;
  /** Numbers, codes and ids of tenants and shards. Never a payload, a secret, or anything about a person. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** What it comes from. One: it is part of that trace. More: it begins a trace of its own, linked to them. */
  readonly causes?: readonly TraceContext[];
  /** When it began; now unless given. */
  readonly startMs?: number;
}

/** Does the work as a span of the active trace; without a set-up of OpenTelemetry it only does the work. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { kind, attributes, startMs } = options;
  const { parent, links } = placeOf(options.causes ?? []);
  const span = trace.getTracer(TRACER).startSpan(
    name,
    {
      links,
      ...(kind !== undefined && { kind: KINDS[kind] }),
      ...(attributes !== undefined && { attributes }),
      ...(startMs !== undefined && { startTime: startMs }),
    },
    parent,
  );
  return context.with(trace.setSpan(parent, span), () => ended(span, work));
}

/** Where the active trace is at, to be carried on; undefined while nothing is traced. */
export function activeTrace(): TraceContext | undefined {
  const active = trace.getSpanContext(context.active());
  if (active === undefined || !isSpanContextValid(active)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = active;
  const flags = traceFlags.toString(16).padStart(2, '0');
  const tracestate = traceState?.serialize() ?? '';
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    ...(tracestate !== '' && { tracestate }),
  };
}

/** For what is done after the span that it belongs to has ended. */
export function inActiveTrace<T>(work: () => T): () => T {
  return context.bind(context.active(), work);
}

async function ended<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // A message may quote what was sent; a code cannot.
    span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) });
    throw error;
  } finally {
    span.end();
  }
}

function placeOf(causes: readonly TraceContext[]): {
  readonly parent: Context;
  readonly links: { readonly context: SpanContext }[];
} {
  const [first, ...others] = causes.map(spanContextOf);
  if (first === undefined) return { parent: context.active(), links: [] };
  if (others.length === 0) return { parent: trace.setSpanContext(ROOT_CONTEXT, first), links: [] };
  const links = [first, ...others].slice(0, LINKS_MAX).map((each) => ({ context: each }));
  return { parent: ROOT_CONTEXT, links };
}

function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = '', spanId = '', flags = '0'] = traceparent.split('-');
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

function codeOf(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
