import { BREAK_GLASS_ENTRIES, BreakGlassBook, parseEntry } from '@countersign/binding';
import { Type } from 'typebox';
import { DigestSchema, UlidSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { mayReadAll } from './reader.ts';
import { readerOf } from './request-fields.ts';
import { undecidedIn } from './undecided-requests.ts';

const closed = { additionalProperties: false } as const;

const StatusSchema = Type.Object(
  {
    status: Type.Union([Type.Literal('green'), Type.Literal('red')], {
      description:
        'red while anything that ran as BREAK-GLASS is not reviewed, or a recovery can be used or cancelled',
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
    deputies: Type.Array(
      Type.Object(
        {
          principal: Type.String({ description: 'The person who is away' }),
          deputy: Type.String(),
          types: Type.Array(Type.String()),
          not_before: Type.String(),
          not_after: Type.String(),
        },
        closed,
      ),
      { description: 'Who decides in whose place, now or later' },
    ),
    recoveries: Type.Array(
      Type.Object(
        {
          person: Type.String(),
          invitation: DigestSchema,
          opens_at: Type.String({ description: 'Until then nobody can use it' }),
          ends_at: Type.String(),
        },
        closed,
      ),
    ),
    undecided: Type.Object(
      { half: Type.Integer({ minimum: 0 }), last_tenth: Type.Integer({ minimum: 0 }) },
      {
        ...closed,
        description: 'Open requests of which half of the time, or nine tenths, are over',
      },
    ),
  },
  closed,
);

/** Whether there is something that nobody may get used to, or overlook: attack rows F09, D13. */
export function registerStatusRoutes(app: App, { deps, authority, authenticate }: Gateway): void {
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
        summary:
          'Whether what ran as BREAK-GLASS is reviewed, who is being recovered, and who is a deputy',
        tags: ['read'],
        response: { 200: StatusSchema, ...PROBLEMS },
      },
      preValidation: authenticate,
    },
    async (request) => {
      const reader = readerOf(request);
      if (!mayReadAll(reader)) {
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
      const pending = await authority.recoveries(deps.nowMs());
      const recoveries = pending.map(({ person, id, not_before, not_after }) => ({
        person,
        invitation: id,
        opens_at: not_before,
        ends_at: not_after,
      }));
      const named = await authority.deputies(deps.nowMs());
      const deputies = named.map(({ id, deputy, types, not_before, not_after }) => ({
        principal: id,
        deputy,
        types: [...types],
        not_before,
        not_after,
      }));
      const isGreen = unreviewed.length === 0 && recoveries.length === 0;
      const status = isGreen ? ('green' as const) : ('red' as const);
      const undecided = await undecidedIn(deps, reader.tenant);
      return { status, unreviewed, deputies, recoveries, undecided };
    },
  );
}
