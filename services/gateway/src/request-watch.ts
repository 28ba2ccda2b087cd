import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from './gateway-app.ts';
import type { GatewayMetrics } from './metrics.ts';
import type {} from './request-fields.ts';

/** Follows every request from its first byte to its last: connection, log line, metrics. */
export function watchRequests(app: App, metrics: GatewayMetrics): void {
  app.decorateRequest('problemCode', undefined);
  app.decorateRequest('gated', undefined);
  app.decorateRequest('frame', undefined);
  app.decorateRequest('reader', undefined);
  app.decorateRequest('gone');
  app.addHook('onRequest', async (request, reply) => {
    request.gone = connectionSignal(reply);
    await Promise.resolve();
  });
  app.addHook('onResponse', async (request, reply) => {
    recordAnswer(metrics, request, reply);
    await Promise.resolve();
  });
}

/** Aborts when the answer is out or its reader is gone, whichever is first. */
function connectionSignal(reply: FastifyReply): AbortSignal {
  const connection = new AbortController();
  reply.raw.once('close', () => {
    connection.abort();
  });
  return connection.signal;
}

/** Routes and codes only: paths hold ids, headers hold tokens, addresses are people's. */
function recordAnswer(metrics: GatewayMetrics, request: FastifyRequest, reply: FastifyReply): void {
  const { method, problemCode } = request;
  const route = request.routeOptions.url ?? 'none';
  const status = reply.statusCode;
  const seconds = reply.elapsedTime / 1000;
  metrics.answered({ method, route, status, seconds });
  if (problemCode !== undefined) metrics.refused(problemCode);
  const line = {
    event: 'request_answered',
    method,
    route,
    status,
    ms: Math.round(reply.elapsedTime),
  };
  request.log.info(problemCode === undefined ? line : { ...line, code: problemCode }, 'answered');
}
