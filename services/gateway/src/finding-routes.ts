import { Type } from 'typebox';
import { EntrySchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { mayReadAll } from './reader.ts';
import { readerOf } from './request-fields.ts';
import { sentEntry } from './sent-entry.ts';

const closed = { additionalProperties: false } as const;
const DEFAULT_PAGE = 50;

const FindingQuerySchema = Type.Object(
  {
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  },
  closed,
);

const FindingPageSchema = Type.Object(
  {
    findings: Type.Array(EntrySchema),
    cursor: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
);

/** What somebody or the ledger itself has found. An auditor checks each by its receipt: GET /v1/log/inclusion. */
export function registerFindingRoutes(app: App, { deps, limits, authenticate }: Gateway): void {
  app.get(
    '/v1/findings',
    {
      schema: {
        summary: 'All findings, newest first',
        tags: ['read'],
        querystring: FindingQuerySchema,
        response: { 200: FindingPageSchema, ...PROBLEMS },
      },
      preValidation: authenticate,
    },
    async (request) => {
      const reader = readerOf(request);
      if (!mayReadAll(reader)) {
        throw new GatewayError('READ_SCOPE', 'expected a person, an operator or a read token');
      }
      const { cursor = null, limit = DEFAULT_PAGE } = request.query;
      const page = await deps.models.findings({
        tenant: reader.tenant,
        cursor,
        limit: Math.min(limit, limits.pageRows),
      });
      return { findings: page.rows.map(sentEntry), cursor: page.cursor };
    },
  );
}
