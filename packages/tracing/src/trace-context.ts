/** Where a trace is at, as W3C Trace Context writes it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Version 00, with ids that are not all zero. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** Undefined where the headers name no trace, or not as they should. */
export function traceContextOf(
  headers: Readonly<Record<string, unknown>> | undefined,
): TraceContext | undefined {
  const { traceparent, tracestate } = headers ?? {};
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  const hasState = typeof tracestate === 'string' && TRACESTATE.test(tracestate);
  return { traceparent, ...(hasState && { tracestate }) };
}

/** For a record of a topic that can be forgotten. */
export function traceHeaders(trace: TraceContext | undefined): Readonly<Record<string, string>> {
  return trace === undefined ? {} : { ...trace };
}

/** For the log, which forgets nothing: the ids alone, and no text that somebody else has chosen. */
export function lastingTraceHeaders(
  trace: TraceContext | undefined,
): Readonly<Record<string, string>> {
  return trace === undefined ? {} : { traceparent: trace.traceparent };
}
