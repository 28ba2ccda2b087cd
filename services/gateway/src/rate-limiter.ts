import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { App, Hook } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';

const WINDOW_MS = 60_000;
/** Keys that one limiter remembers; the least recently seen is forgotten first. */
const KEYS_MAX = 10_000;
/** Who has one address of such a network has them all. */
const IPV6_SUBNET = 64;

export async function registerRateLimits(app: App): Promise<void> {
  await app.register(rateLimit, { global: false, cache: KEYS_MAX });
}

/** A limit of its own, a minute at a time. */
export function limiter(app: App, max: number, keyOf: (request: FastifyRequest) => string): Hook {
  const count = app.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator: keyOf });
  return async (request) => {
    const result = await count(request);
    if (result.isAllowed || !result.isExceeded) return;
    throw new GatewayError('RATE_LIMITED', `expected at most ${max} a minute`, {
      retryAfterS: Math.max(1, result.ttlInSeconds),
    });
  };
}

export function addressOf(request: FastifyRequest): string {
  return rateLimit.normalizeIP(request.ip, IPV6_SUBNET);
}
