import { DecisionFigures, ReportError, figuresJson } from '@countersign/report';
import { ENTRY_PAGE_MAX, type AskedRow, type DecidedFilter } from '@countersign/store';
import { Type } from 'typebox';
import { LogSizeSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import type { Models } from './gateway-deps.ts';
import { GatewayError } from './gateway-error.ts';
import { assertReadsAll, periodOf, PeriodMembers } from './list-query.ts';
import { PROBLEMS } from './problem-schema.ts';
import { logSizeOf } from './readable-action.ts';
import { readerOf } from './request-fields.ts';

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });
const Ms = Type.Integer({ minimum: 0 });

const FiguresSchema = Type.Object(
  {
    person: Type.String(),
    approved: Count,
    denied: Count,
    taken_back: Count,
    denied_per_mille: Type.Union([Count, Type.Null()], {
      description: 'Of what was approved or denied',
    }),
    time_to_decide: Type.Union([
      Type.Object(
        { median_ms: Ms, p90_ms: Ms, shortest_ms: Ms, longest_ms: Ms, under_10_s: Count },
        { ...closed, description: 'From the admission, by the clock of the ledger' },
      ),
      Type.Null(),
    ]),
    busiest_hour: Type.Object({ hour: Type.String(), decisions: Count }, closed),
    busiest_day: Type.Object({ day: Type.String(), decisions: Count }, closed),
    days: Count,
    load: Type.Union(
      [
        Type.Object(
          {
            prompts_1h: Type.Object({ median: Count, most: Count }, closed),
            decisions_1h: Type.Object({ most: Count }, closed),
          },
          closed,
        ),
        Type.Null(),
      ],
      { description: 'Of what each decision says of the hour before it' },
    ),
  },
  closed,
);

const ReportSchema = Type.Object(
  { log_size: LogSizeSchema, persons: Type.Array(FiguresSchema) },
  closed,
);

const ReportQuery = Type.Object(
  { ...PeriodMembers, person: Type.Optional(Type.String({ maxLength: 40 })) },
  closed,
);

/** How people decided. The log alone tells it again: `countersign report decisions --log`. */
export function registerFigureRoutes(app: App, gateway: Gateway): void {
  const { models } = gateway.deps;
  app.get(
    '/v1/reports/decisions',
    {
      schema: {
        summary: 'How each person decided in a period: how many, how fast, how often no',
        tags: ['read'],
        querystring: ReportQuery,
        response: { 200: ReportSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      const reader = readerOf(request);
      assertReadsAll(reader);
      const { person } = request.query;
      const logSize = await logSizeOf(models);
      const figures = await figuresIn(models, {
        tenant: reader.tenant,
        before: logSize,
        ...periodOf(request.query),
        ...(person !== undefined && { person }),
      });
      return { log_size: logSize, persons: figures.persons.map(figuresJson) };
    },
  );
}

/** @throws GatewayError LIMIT_EXCEEDED */
async function figuresIn(
  models: Pick<Models, 'decidedPage'>,
  filter: Omit<DecidedFilter, 'cursor' | 'limit'>,
): Promise<DecisionFigures> {
  const figures = new DecisionFigures();
  let cursor: string | null = null;
  do {
    const page = await models.decidedPage({ ...filter, cursor, limit: ENTRY_PAGE_MAX });
    for (const row of page.rows) note(figures, row);
    ({ cursor } = page);
  } while (cursor !== null);
  return figures;
}

function note(figures: DecisionFigures, row: AskedRow): void {
  try {
    figures.note({ ...row, load: row.load ?? undefined });
  } catch (error) {
    if (!(error instanceof ReportError)) throw error;
    throw new GatewayError('LIMIT_EXCEEDED', error.message, { cause: error });
  }
}
