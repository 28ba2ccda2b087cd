import { Readable } from 'node:stream';
import { canonicalText } from '@countersign/canonical';
import type { ActionRow } from '@countersign/store';
import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import {
  ActionPageSchema,
  ActionSchema,
  ReviewSchema,
  StatusSchema,
  UlidSchema,
  type ActionSummarySchema,
} from './answer-schema.ts';
import { actionEvents } from './action-events.ts';
import { reviewOf } from './action-review.ts';
import { decisionsOf } from './decision-facts.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { provenEntries } from './proven-entries.ts';
import { logSizeOf, readableAction, type ReadAction } from './readable-action.ts';
import { mayReadAll, type Reader } from './reader.ts';
import { readerOf } from './request-fields.ts';
import { cosigned, LevelMembers } from './witnessed.ts';

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: UlidSchema });
const ProofsFlag = Type.Optional(
  Type.Literal('1', { description: 'With the entries that it follows from, and their receipts' }),
);
const PageMembers = {
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  proofs: ProofsFlag,
};
const DEFAULT_PAGE = 50;
/** With an entry each, which may be 64 KiB. */
const PROVEN_PAGE = 50;
const TAGS = ['read'];

export function registerActionRoutes(app: App, gateway: Gateway): void {
  registerAction(app, gateway);
  registerEvents(app, gateway);
  registerReview(app, gateway);
  registerEvidence(app, gateway);
  registerPages(app, gateway);
}

function registerAction(app: App, gateway: Gateway): void {
  app.get(
    '/v1/actions/:id',
    {
      schema: {
        summary: 'Where an action stands; waits for news after the entry `since`',
        tags: TAGS,
        params: IdParams,
        querystring: Type.Object(
          {
            wait_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 })),
            since: Type.Optional(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER })),
            proofs: ProofsFlag,
          },
          closed,
        ),
        response: { 200: ActionSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      const { wait_ms: waitMs = 0, since = -1 } = request.query;
      const reader = readerOf(request);
      const known = await readableAction(gateway, reader, request.params.id);
      const isNews = known.lastIndex > since || waitMs === 0;
      const action = isNews ? known : await newsOf(gateway, request, { known, since, waitMs });
      return await viewOf(gateway, action, request.query.proofs);
    },
  );
}

async function viewOf(
  gateway: Gateway,
  action: ReadAction,
  proofs?: '1',
): Promise<Static<typeof ActionSchema>> {
  const entries = await gateway.deps.models.entriesOf(action.tenant, action.actionId);
  const decisions = await decisionsOf(gateway, action);
  return {
    ...summaryOf(action),
    decisions: decisions.map(({ row, statement, rationale }) => ({
      index: row.index,
      verdict: statement.verdict,
      person: statement.person,
      at: row.at,
      rationale: rationale?.text ?? null,
    })),
    entries: entries.map(({ index, type, at }) => ({ index, type, at })),
    log_size: action.logSize,
    ...(proofs !== undefined && { proofs: await provenEntries(gateway, entries) }),
  };
}

function registerEvents(app: App, gateway: Gateway): void {
  app.get(
    '/v1/actions/:id/events',
    {
      schema: {
        summary: 'Where an action stands, again at each of its entries, as server-sent events',
        tags: TAGS,
        params: IdParams,
        headers: Type.Object({
          'last-event-id': Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })),
        }),
        response: {
          200: {
            description:
              'Events `action`: the id is the index of its newest entry, the data the answer of /v1/actions/{id}',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          ...PROBLEMS,
        },
      },
      preValidation: gateway.authenticate,
    },
    async (request, reply) => {
      const reader = readerOf(request);
      const known = await readableAction(gateway, reader, request.params.id);
      const since = Number(request.headers['last-event-id'] ?? -1);
      const seat = gateway.room.take({
        sender: `${reader.kind} ${reader.id}`,
        gone: request.gone,
      });
      const events = actionEvents({
        seat,
        since,
        gateway,
        read: async () =>
          await viewOf(gateway, await readableAction(gateway, reader, known.actionId)),
        tenant: known.tenant,
        actionId: known.actionId,
      });
      // A gateway that closes ends its streams, but would wait for their connections, were they kept for more.
      void reply.header('connection', 'close');
      return reply.type('text/event-stream; charset=utf-8').send(Readable.from(events));
    },
  );
}

async function newsOf(
  gateway: Gateway,
  request: FastifyRequest,
  { known, since, waitMs }: { known: ReadAction; since: number; waitMs: number },
): Promise<ReadAction> {
  const { deps, limits, room } = gateway;
  const { tenant, actionId } = known;
  const reader = readerOf(request);
  await room.wait(
    {
      sender: `${reader.kind} ${reader.id}`,
      gone: request.gone,
      waitMs: Math.min(waitMs, limits.maxWaitMs),
    },
    (timeoutMs) => deps.view.waitForAction({ tenant, actionId, since }, timeoutMs),
  );
  return await readableAction(gateway, reader, actionId);
}

function registerReview(app: App, gateway: Gateway): void {
  app.get(
    '/v1/actions/:id/review',
    {
      schema: {
        summary: 'What a person needs to recompute before deciding',
        tags: TAGS,
        params: IdParams,
        response: { 200: ReviewSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) =>
      await reviewOf(gateway, await readableAction(gateway, readerOf(request), request.params.id)),
  );
}

function registerEvidence(app: App, gateway: Gateway): void {
  app.get(
    '/v1/actions/:id/evidence',
    {
      schema: {
        summary: 'The evidence bundle, to be verified offline',
        tags: TAGS,
        params: IdParams,
        querystring: Type.Object(LevelMembers, closed),
        response: {
          200: {
            description: 'schemas/formats/evidence.md',
            content: { 'application/json': { schema: Type.Object({}) } },
          },
          ...PROBLEMS,
        },
      },
      preValidation: gateway.authenticate,
    },
    async (request, reply) => {
      const action = await readableAction(gateway, readerOf(request), request.params.id);
      if (action.bindingIndex === null) {
        throw new GatewayError('NOT_BOUND', 'expected an action that was approved');
      }
      const { level = 'human', wait_ms: waitMs } = request.query;
      if (level === 'witnessed') {
        await cosigned(gateway, { request, waitMs }, action.lastIndex + 1);
      }
      const evidence = await gateway.deps.view.evidence(action.tenant, action.actionId, level);
      return reply.type('application/json; charset=utf-8').send(canonicalText(evidence));
    },
  );
}

function registerPages(app: App, gateway: Gateway): void {
  const page = async (
    reader: Reader,
    query: { cursor?: string; limit?: number; status?: ActionRow['status']; proofs?: '1' },
  ): Promise<Static<typeof ActionPageSchema>> => {
    if (!mayReadAll(reader)) {
      throw new GatewayError('READ_SCOPE', 'expected a person or a read token');
    }
    const { status, cursor = null, limit = DEFAULT_PAGE, proofs } = query;
    const logSize = await logSizeOf(gateway.deps.models);
    const found = await gateway.deps.models.actions({
      tenant: reader.tenant,
      cursor,
      limit: Math.min(limit, proofs === undefined ? gateway.limits.pageRows : PROVEN_PAGE),
      ...(status !== undefined && { status }),
    });
    const actions = found.rows.map((row) => summaryOf(row));
    return {
      log_size: logSize,
      actions: proofs === undefined ? actions : await withNewest(gateway, actions),
      cursor: found.cursor,
    };
  };
  const response = { 200: ActionPageSchema, ...PROBLEMS };
  app.get(
    '/v1/inbox',
    {
      schema: {
        summary: 'Actions that wait for a decision',
        tags: TAGS,
        querystring: Type.Object(PageMembers, closed),
        response,
      },
      preValidation: gateway.authenticate,
    },
    (request) => page(readerOf(request), { ...request.query, status: 'pending' }),
  );
  app.get(
    '/v1/actions',
    {
      schema: {
        summary: 'All actions, newest first',
        tags: TAGS,
        querystring: Type.Object(
          {
            ...PageMembers,
            status: Type.Optional(StatusSchema),
          },
          closed,
        ),
        response,
      },
      preValidation: gateway.authenticate,
    },
    (request) => page(readerOf(request), request.query),
  );
}

/** Each with the newest entry about it. */
async function withNewest(
  gateway: Gateway,
  actions: readonly Static<typeof ActionSummarySchema>[],
): Promise<Static<typeof ActionSummarySchema>[]> {
  const read = actions.map(({ last_index }) => gateway.deps.models.entries(last_index, 1));
  const { entries } = await provenEntries(gateway, (await Promise.all(read)).flat());
  return actions.map((action) => {
    const newest = entries.find(({ entry }) => entry.index === action.last_index);
    return { ...action, ...(newest !== undefined && { newest }) };
  });
}

function summaryOf(row: ActionRow): Static<typeof ActionSummarySchema> {
  return {
    action_id: row.actionId,
    action_digest: row.actionDigest,
    status: row.status,
    type: row.actionType,
    agent: row.agent,
    executor: row.executor,
    opened_at: row.openedAt,
    changed_at: row.changedAt,
    decide_by: row.decideBy,
    use_by: row.useBy,
    uses: row.uses,
    result: row.result,
    code: row.code,
    erased: row.erased,
    last_index: row.lastIndex,
  };
}
