import { parseDecisionMade } from '@countersign/binding';
import type { Json } from '@countersign/canonical';
import { inSpan, traceContextOf } from '@countersign/tracing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type TSchema } from 'typebox';
import { DigestSchema, InputAnswerSchema, PendingAnswerSchema } from './answer-schema.ts';
import { DecisionFrameSchema, SignedFrameSchema, WaitQuerySchema } from './frame-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import type { InputKind } from './gateway-deps.ts';
import { GatewayError, notFound } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { addressOf } from './rate-limiter.ts';
import { frameOf } from './request-fields.ts';
import { routeFrame, type RoutedFrame } from './routed-frame.ts';
import type { Answered } from './submissions.ts';

interface WriteRoute {
  readonly url: string;
  readonly kind: InputKind;
  readonly body: TSchema;
  readonly summary: string;
}

const WRITE_ROUTES: readonly WriteRoute[] = [
  {
    url: '/v1/requests',
    kind: 'request',
    body: SignedFrameSchema,
    summary: 'An agent asks for an action',
  },
  {
    url: '/v1/decisions',
    kind: 'decision',
    body: DecisionFrameSchema,
    summary: 'A person approves, denies or revokes',
  },
  {
    url: '/v1/uses',
    kind: 'use',
    body: SignedFrameSchema,
    summary: 'An executor claims a binding',
  },
  {
    url: '/v1/reports',
    kind: 'report',
    body: SignedFrameSchema,
    summary: 'An executor reports what came of a use',
  },
  {
    url: '/v1/findings',
    kind: 'finding',
    body: SignedFrameSchema,
    summary: 'An operator tells what a comparison with a target has found',
  },
  {
    url: '/v1/erasures',
    kind: 'erasure',
    body: SignedFrameSchema,
    summary: 'An operator removes the content of an action',
  },
];

export const INPUT_ANSWERS = {
  200: { ...InputAnswerSchema, description: 'Known before: the same answer as then' },
  201: { ...InputAnswerSchema, description: 'Logged, with its receipt' },
  202: PendingAnswerSchema,
  ...PROBLEMS,
} as const;

export function registerWriteRoutes(app: App, gateway: Gateway): void {
  for (const { url, kind, body, summary } of WRITE_ROUTES) {
    app.post(
      url,
      {
        schema: {
          summary,
          tags: ['write'],
          body,
          querystring: WaitQuerySchema,
          response: INPUT_ANSWERS,
        },
        // Before the schema, because the ledger's own parser knows the exact code of what is wrong.
        preValidation: async (request) => {
          request.frame = routeFrame(kind, gatedBody(request));
          await gateway.limitWrites(request);
        },
      },
      async (request, reply) => {
        const frame = frameOf(request);
        const answered = await submitFrame(gateway, frame, request);
        if (kind === 'decision' && answered.isNew && answered.answer !== undefined) {
          gateway.metrics.decided(parseDecisionMade(frame.payload).statement.verdict);
        }
        return answerInput(reply, frame.digest, answered);
      },
    );
  }
  registerInputRoute(app, gateway);
  registerInputReceipt(app, gateway);
}

function registerInputRoute(app: App, gateway: Gateway): void {
  app.get(
    '/v1/inputs/:digest',
    {
      schema: {
        summary: 'Goes on waiting for the answer to an input',
        tags: ['write'],
        params: Type.Object({ digest: DigestSchema }),
        querystring: WaitQuerySchema,
        response: INPUT_ANSWERS,
      },
    },
    async (request, reply) => {
      const { digest } = request.params;
      const answered = await gateway.submissions.resume(digest, {
        sender: addressOf(request),
        unprovenAt: addressOf(request),
        gone: request.gone,
        waitMs: waitMsOf(gateway, request.query.wait_ms ?? 0),
      });
      return answerInput(reply, digest, answered);
    },
  );
}

/** The requester's own proof, of what was refused too: who knows the digest has sent the input, or was given it. */
function registerInputReceipt(app: App, gateway: Gateway): void {
  app.get(
    '/v1/inputs/:digest/receipt',
    {
      schema: {
        summary: 'The receipt of the entry that answers an input, an admission or a refusal alike',
        tags: ['write'],
        params: Type.Object({ digest: DigestSchema }),
        querystring: WaitQuerySchema,
        response: {
          200: {
            description: 'A C2SP tlog-proof',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const receipt = await gateway.submissions.receipt(request.params.digest, {
        sender: addressOf(request),
        unprovenAt: addressOf(request),
        gone: request.gone,
        waitMs: waitMsOf(gateway, request.query.wait_ms ?? 0),
      });
      if (receipt === undefined) throw notFound();
      return reply.type('text/plain; charset=utf-8').send(receipt);
    },
  );
}

export async function submitFrame(
  gateway: Gateway,
  frame: RoutedFrame,
  request: FastifyRequest<{ Querystring: { wait_ms?: number } }>,
): Promise<Answered> {
  if (gateway.deps.health().writer.state === 'stopped') {
    throw new GatewayError('WRITER_UNAVAILABLE', 'the ledger has stopped; nothing was taken', {
      input: frame.digest,
    });
  }
  const trace = traceContextOf(request.headers);
  const traced = { ...frame, ...(trace !== undefined && { trace }) };
  const span = {
    kind: 'server',
    attributes: { 'countersign.kind': frame.kind },
    ...(trace !== undefined && { causes: [trace] }),
  } as const;
  return await inSpan('gateway.request', span, () =>
    gateway.submissions.submit(traced, {
      sender: `${addressOf(request)} ${frame.sender}`,
      unprovenAt: addressOf(request),
      gone: request.gone,
      waitMs: waitMsOf(gateway, request.query.wait_ms ?? gateway.limits.defaultWaitMs),
    }),
  );
}

export function answerInput(reply: FastifyReply, input: string, answered: Answered): FastifyReply {
  const { answer, isNew, arrival } = answered;
  if (answer === undefined) return reply.status(202).send({ input, status: 'pending', arrival });
  return reply.status(isNew ? 201 : 200).send(answer);
}

function waitMsOf({ limits }: Gateway, wanted: number): number {
  return Math.min(wanted, limits.maxWaitMs);
}

/** The body as our gate read it. */
function gatedBody({ gated }: FastifyRequest): Json {
  if (gated === undefined) {
    throw new GatewayError('JSON_SYNTAX', 'body: expected a JSON object');
  }
  return gated;
}
