export {
  lastingTraceHeaders,
  traceContextOf,
  traceHeaders,
  type TraceContext,
} from './trace-context.ts';
export { activeTrace, inActiveTrace, inSpan, type SpanOptions } from './span.ts';
