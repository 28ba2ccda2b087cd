export {
  lastingTraceHeaders,
  traceContextOf,
  traceHeaders,
  type TraceContext,
} from './trace-context.ts';
