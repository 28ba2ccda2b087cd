import { Readable } from 'node:stream';
import { canonicalText } from '@countersign/canonical';
import type { ActionRow } from '@countersign/store';
import type { FastifyRequest } from 'fastify';
import { Type, type Static, type TSchema } from 'typebox';
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
import {
  assertReadsAll,
  pageOf,
  PageMembers,
  periodOf,
  PeriodMembers,
  ProofsFlag,
} from './list-query.ts';
import { PROBLEMS } from './problem-schema.ts';
import { provenEntries } from './proven-entries.ts';
import { logSizeOf, readableAction, type ReadAction } from './readable-action.ts';
import type { Reader } from './reader.ts';
import { readerOf } from './request-fields.ts';
import { shownStatuses } from './shown-status.ts';
import { cosigned, LevelMembers } from './witnessed.ts';

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: UlidSchema });
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
    decisions: decisions.map(({ row, statement, principal, rationale }) => ({
      index: row.index,
      verdict: statement.verdict,
      person: statement.person,
      ...(principal !== undefined && { for: principal }),
      at: row.at,
      ...(statement.claimed_dwell_ms !== undefined && {
        claimed_dwell_ms: statement.claimed_dwell_ms,
      }),
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

interface ListQuery {
  readonly cursor?: string;
  readonly limit?: number;
  readonly status?: ActionRow['status'];
  readonly proofs?: '1';
  readonly from?: string;
  readonly to?: string;
  readonly type?: string;
  readonly agent?: string;
  readonly executor?: string;
  readonly code?: string;
  readonly person?: string;
}

const Name = Type.Optional(Type.String({ maxLength: 200 }));
const FilterMembers = {
  ...PageMembers,
  ...PeriodMembers,
  status: Type.Optional(StatusSchema),
  type: Name,
  agent: Name,
  executor: Name,
  code: Name,
  person: Type.Optional(Type.String({ maxLength: 200, description: 'Who has decided on it' })),
};

function registerPages(app: App, gateway: Gateway): void {
  const { models } = gateway.deps;
  const page = async (
    reader: Reader,
    query: ListQuery,
    list: 'actions' | 'bindings' = 'actions',
  ): Promise<Static<typeof ActionPageSchema>> => {
    assertReadsAll(reader);
    const { proofs, status, type, agent, executor, code, person } = query;
    const logSize = await logSizeOf(models);
    const found = await models[list]({
      tenant: reader.tenant,
      ...pageOf(gateway, query),
      ...periodOf(query),
      ...(status !== undefined && { status }),
      ...(type !== undefined && { type }),
      ...(agent !== undefined && { agent }),
      ...(executor !== undefined && { executor }),
      ...(code !== undefined && { code }),
      ...(person !== undefined && { person }),
    });
    const statusOf = await shownStatuses(models);
    const shown = found.rows.map((row) => ({ ...row, status: statusOf(row) }));
    const meant = shown.filter((row) => status === undefined || row.status === status);
    const actions = meant.map((row) => summaryOf(row));
    return {
      log_size: logSize,
      actions: proofs === undefined ? actions : await withNewest(gateway, actions),
      cursor: found.cursor,
    };
  };
  const response = { 200: ActionPageSchema, ...PROBLEMS };
  const schemaOf = <Q extends TSchema>(summary: string, querystring: Q) => ({
    summary,
    tags: TAGS,
    querystring,
    response,
  });
  const preValidation = gateway.authenticate;
  app.get(
    '/v1/inbox',
    { schema: schemaOf('Actions that wait for a decision', InboxQuery), preValidation },
    (request) => page(readerOf(request), { ...request.query, status: 'pending' }),
  );
  app.get(
    '/v1/actions',
    { schema: schemaOf('All actions, newest first', FilterQuery), preValidation },
    (request) => page(readerOf(request), request.query),
  );
  app.get(
    '/v1/bindings',
    {
      schema: schemaOf('Actions that were bound, by when: newest first', FilterQuery),
      preValidation,
    },
    (request) => page(readerOf(request), request.query, 'bindings'),
  );
}

const InboxQuery = Type.Object(PageMembers, closed);
const FilterQuery = Type.Object(FilterMembers, closed);

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

function summaryOf(row: Omit<ReadAction, 'logSize'>): Static<typeof ActionSummarySchema> {
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
