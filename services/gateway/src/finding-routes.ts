import { parseStrict, type Json } from '@countersign/canonical';
import type { EntryRow } from '@countersign/store';
import { Type } from 'typebox';
import { EntrySchema, LogSizeSchema, ProvenEntriesSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { assertReadsAll, pageOf, PageMembers, periodOf, PeriodMembers } from './list-query.ts';
import { PROBLEMS } from './problem-schema.ts';
import { provenEntries } from './proven-entries.ts';
import { logSizeOf } from './readable-action.ts';
import { readerOf } from './request-fields.ts';
import { sentEntry } from './sent-entry.ts';

const closed = { additionalProperties: false } as const;

const FindingQuerySchema = Type.Object(
  {
    ...PageMembers,
    ...PeriodMembers,
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
    code: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z_]{2,40}$' })),
  },
  closed,
);

const FindingPageSchema = Type.Object(
  {
    log_size: LogSizeSchema,
    findings: Type.Array(EntrySchema),
    cursor: Type.Union([Type.String(), Type.Null()]),
    proofs: Type.Optional(ProvenEntriesSchema),
  },
  closed,
);

/** What somebody or the ledger itself has found. An auditor checks each by its receipt: GET /v1/log/inclusion. */
export function registerFindingRoutes(app: App, gateway: Gateway): void {
  const { models } = gateway.deps;
  app.get(
    '/v1/findings',
    {
      schema: {
        summary: 'All findings, newest first',
        tags: ['read'],
        querystring: FindingQuerySchema,
        response: { 200: FindingPageSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      const reader = readerOf(request);
      assertReadsAll(reader);
      const { code, proofs } = request.query;
      const logSize = await logSizeOf(models);
      const page = await models.findings({
        tenant: reader.tenant,
        ...pageOf(gateway, request.query),
        ...periodOf(request.query),
        ...(code !== undefined && { wanted: (row) => codeOf(row) === code }),
      });
      return {
        log_size: logSize,
        findings: page.rows.map(sentEntry),
        cursor: page.cursor,
        ...(proofs !== undefined && { proofs: await provenEntries(gateway, page.rows) }),
      };
    },
  );
}

function codeOf({ bytes }: EntryRow): Json | undefined {
  const entry = parseStrict(bytes) as { readonly finding?: Json };
  return entry.finding;
}
