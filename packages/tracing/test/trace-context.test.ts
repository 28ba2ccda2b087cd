import { describe, expect, it } from 'vitest';
import { lastingTraceHeaders, traceContextOf, traceHeaders } from '@countersign/tracing';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('trace context', () => {
  it('is what the headers of a request or a record name', () => {
    const trace = { traceparent: TRACEPARENT, tracestate: 'a=1,b=2' };
    expect(traceContextOf({ ...trace, other: 'x' })).toEqual(trace);
    expect(traceContextOf({ traceparent: TRACEPARENT })).toEqual({ traceparent: TRACEPARENT });
    expect(traceHeaders(trace)).toEqual(trace);
  });

  it.each([
    undefined,
    '',
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    TRACEPARENT.toUpperCase(),
    `${TRACEPARENT}-`,
    ` ${TRACEPARENT}`,
    '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  ])('is none where traceparent is %j', (traceparent) => {
    expect(traceContextOf({ traceparent, tracestate: 'a=1' })).toBeUndefined();
  });

  it.each(['', 'x'.repeat(513), 'a=\n', ['a=1']])(
    'is without a tracestate that cannot be one: %j',
    (tracestate) => {
      expect(traceContextOf({ traceparent: TRACEPARENT, tracestate })).toEqual({
        traceparent: TRACEPARENT,
      });
    },
  );

  it('leaves in the log the ids alone, since nothing is ever removed from there', () => {
    const trace = { traceparent: TRACEPARENT, tracestate: 'who=anybody' };
    expect(lastingTraceHeaders(trace)).toEqual({ traceparent: TRACEPARENT });
    expect(lastingTraceHeaders(undefined)).toEqual({});
  });
});
