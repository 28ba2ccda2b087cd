import { Type, type Static } from 'typebox';
import type { App, Gateway } from './gateway-app.ts';
import type { LedgerHealth } from './gateway-deps.ts';
import { GatewayError } from './gateway-error.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { PROBLEMS } from './problem-schema.ts';
import { undecidedIn } from './undecided-requests.ts';

const closed = { additionalProperties: false } as const;
const OkSchema = Type.Object({ status: Type.Literal('ok') }, closed);
const ReadySchema = Type.Object(
  {
    status: Type.Literal('ok'),
    witnesses: Type.Optional(
      Type.Object({ cosigned_size: Type.Integer(), away: Type.Array(Type.String()) }, closed),
    ),
  },
  closed,
);

export function registerHealthRoutes(app: App, gateway: Gateway): void {
  const response = { 200: OkSchema, ...PROBLEMS };
  const tags = ['operations'];
  app.get('/healthz', { schema: { summary: 'The process lives', tags, response } }, () => ({
    status: 'ok' as const,
  }));
  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Inputs are taken and answered',
        tags,
        response: { 200: ReadySchema, ...PROBLEMS },
      },
    },
    () => {
      const health = gateway.deps.health();
      assertReady(health, gateway.limits);
      return { status: 'ok' as const, ...witnessesOf(health) };
    },
  );
  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Prometheus metrics',
        tags,
        response: {
          200: {
            description: 'Prometheus text format',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...PROBLEMS,
        },
      },
    },
    async (_request, reply) => {
      const { frozen } = await gateway.authority.freeze();
      gateway.metrics.frozen(frozen);
      const recoveries = await gateway.authority.recoveries(gateway.deps.nowMs());
      gateway.metrics.recoveries(recoveries.length);
      const { tenant } = await gateway.authority.ledger();
      gateway.metrics.undecided(await undecidedIn(gateway.deps, tenant));
      return reply.type(gateway.metrics.contentType).send(await gateway.metrics.text());
    },
  );
}

/** Told, and no reason to send anybody away: what waits for witnesses is the level `witnessed` alone. */
function witnessesOf({ witnesses }: LedgerHealth): Pick<Static<typeof ReadySchema>, 'witnesses'> {
  if (witnesses === undefined) return {};
  const { cosignedSize, away } = witnesses;
  return { witnesses: { cosigned_size: cosignedSize, away: [...away] } };
}

/** @throws GatewayError WRITER_UNAVAILABLE, PROJECTOR_BEHIND */
function assertReady(health: LedgerHealth, limits: GatewayLimits): void {
  const { writer, sealedSize, projectedSize } = health;
  if (writer.state !== 'running') {
    throw new GatewayError(
      'WRITER_UNAVAILABLE',
      `the writer is ${writer.state}${writer.code === undefined ? '' : `: ${writer.code}`}`,
    );
  }
  if (projectedSize === 0 || sealedSize - projectedSize > limits.projectorLagEntries) {
    throw new GatewayError(
      'PROJECTOR_BEHIND',
      `expected the read models within ${limits.projectorLagEntries} entries of the log`,
    );
  }
}
