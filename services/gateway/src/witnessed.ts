import type { CheckpointRow } from '@countersign/store';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { readerOf } from './request-fields.ts';

/** Of a request for what is proved at a level; at level `witnessed` it waits. */
export const LevelMembers = {
  level: Type.Optional(Type.Union([Type.Literal('human'), Type.Literal('witnessed')])),
  wait_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 })),
};

interface Asked {
  readonly request: FastifyRequest;
  readonly waitMs: number | undefined;
}

/**
 * The newest head that a quorum of witnesses has cosigned, once it is of at least this size. A ledger that asks none, and one whose
 * witnesses are away for longer, gives nothing at this level: less is never passed off as more.
 *
 * @throws GatewayError WITNESS_POLICY_MISSING, WITNESS_QUORUM
 */
export async function cosigned(
  { deps, limits, room }: Gateway,
  { request, waitMs = limits.defaultWaitMs }: Asked,
  size: number,
): Promise<CheckpointRow> {
  if (deps.config.witnessPolicy === undefined) {
    throw new GatewayError('WITNESS_POLICY_MISSING', 'expected a ledger that asks witnesses');
  }
  const { kind, id } = readerOf(request);
  const who = {
    sender: `${kind} ${id}`,
    gone: request.gone,
    waitMs: Math.min(waitMs, limits.maxWaitMs),
  };
  await room.wait(who, (ms) => deps.view.waitForCosigned(size, ms));
  const newest = await deps.models.cosigned();
  if (newest !== undefined && newest.size >= size) return newest;
  const message = `expected a cosigned head of at least size ${size}, got ${newest?.size ?? 'none'}`;
  throw new GatewayError('WITNESS_QUORUM', message, { retryAfterS: 5 });
}
