import type { FastifyRequest } from 'fastify';
import { GatewayError } from './gateway-error.ts';
import { IDENTITY_COOKIE } from './company.ts';
import { SESSION_COOKIE } from './session.ts';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);
const CSRF_HEADER = 'x-countersign';

/**
 * Keeps pages of others out. A page whose name was rebound to our loopback address sends its own name in Host; a
 * page elsewhere sends its own origin; and neither may set our header without a preflight that we never answer.
 */
export class PageGuard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor(publicOrigins: readonly string[], moreHosts: readonly string[]) {
    this.#origins = new Set(publicOrigins);
    this.#hosts = new Set([...publicOrigins.map((origin) => new URL(origin).host), ...moreHosts]);
  }

  /** @throws GatewayError HOST_NOT_ALLOWED, ORIGIN_NOT_ALLOWED, CSRF_HEADER_MISSING */
  check(request: FastifyRequest): void {
    const { host, origin, cookie } = request.headers;
    const path = request.url.split('?', 1)[0] ?? '';
    // Probes come by address, and tell nothing.
    if (!PROBES.has(path) && !this.#hosts.has(host?.toLowerCase() ?? '')) {
      throw new GatewayError(
        'HOST_NOT_ALLOWED',
        'expected the Host under which this gateway is public',
      );
    }
    if (SAFE_METHODS.has(request.method)) return;
    const hasSession = [SESSION_COOKIE, IDENTITY_COOKIE].some((name) => cookie?.includes(name));
    const isForeign = origin === undefined ? hasSession : !this.#origins.has(origin);
    if (isForeign) {
      throw new GatewayError(
        'ORIGIN_NOT_ALLOWED',
        'expected a request from a page of this gateway',
      );
    }
    if (hasSession && request.headers[CSRF_HEADER] !== '1') {
      throw new GatewayError('CSRF_HEADER_MISSING', `expected the header ${CSRF_HEADER}: 1`);
    }
  }
}
