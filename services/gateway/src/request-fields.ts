import type { Json } from '@countersign/canonical';
import type { FastifyRequest } from 'fastify';
import type { ProblemCode } from './gateway-error.ts';
import type { RoutedFrame } from './routed-frame.ts';
import type { Reader } from './reader.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the problem that was answered, for the log line and the metrics. */
    problemCode: ProblemCode | undefined;
    /** The body, as the strict gate read it. */
    gated: Json | undefined;
    /** Set by the hook of every writing route, before the schema is checked. */
    frame: RoutedFrame | undefined;
    /** Set by the hook of every reading route. */
    reader: Reader | undefined;
    /** Aborted when the client's connection is gone. */
    gone: AbortSignal;
  }
}

/** What a hook has set; anything else is a route without its hook, which is a bug of ours. */
export function frameOf({ frame }: FastifyRequest): RoutedFrame {
  if (frame === undefined) throw new Error('invariant broken: a writing route without its frame');
  return frame;
}

export function readerOf({ reader }: FastifyRequest): Reader {
  if (reader === undefined) throw new Error('invariant broken: a reading route without a reader');
  return reader;
}
