import { BREAK_GLASS_ENTRIES, BreakGlassBook, parseEntry } from '@countersign/binding';
import { Type } from 'typebox';
import { UlidSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { mayReadAll } from './reader.ts';
import { readerOf } from './request-fields.ts';

const closed = { additionalProperties: false } as const;

const StatusSchema = Type.Object(
  {
    status: Type.Union([Type.Literal('green'), Type.Literal('red')], {
      description: 'red while anything that ran as BREAK-GLASS is not reviewed',
    }),
    unreviewed: Type.Array(
      Type.Object(
        {
          action_id: UlidSchema,
          agent: Type.String(),
          at: Type.String(),
          index: Type.Integer({ minimum: 0, description: 'Of the finding BREAK_GLASS' }),
          is_overdue: Type.Boolean(),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** Whether there is something that nobody may get used to: attack row F09. */
export function registerStatusRoutes(app: App, { deps, authenticate }: Gateway): void {
  const book = new BreakGlassBook();
  let next = 0;
  /** One reader at a time, and no entry twice. */
  let reading = Promise.resolve();
  const read = async (): Promise<void> => {
    const { size = 0 } = (await deps.models.checkpoint()) ?? {};
    const from = next;
    if (size <= from) return;
    for (const row of await deps.models.entriesOfType(BREAK_GLASS_ENTRIES, size - 1, from)) {
      book.note(parseEntry(row.bytes), row.index);
    }
    next = size;
  };
  app.get(
    '/v1/status',
    {
      schema: {
        summary: 'Whether what ran as BREAK-GLASS is reviewed',
        tags: ['read'],
        response: { 200: StatusSchema, ...PROBLEMS },
      },
      preValidation: authenticate,
    },
    async (request) => {
      if (!mayReadAll(readerOf(request))) {
        throw new GatewayError('READ_SCOPE', 'expected a person, an operator or a read token');
      }
      reading = reading.then(read, read);
      await reading;
      const unreviewed = book.unreviewed.map(({ actionId, agent, at, index, overdueIndex }) => ({
        action_id: actionId,
        agent,
        at,
        index,
        is_overdue: overdueIndex !== undefined,
      }));
      const status = unreviewed.length === 0 ? ('green' as const) : ('red' as const);
      return { status, unreviewed };
    },
  );
}
