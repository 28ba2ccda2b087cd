import { Type } from 'typebox';
import { ActionEntriesSchema, UlidSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { positionOf, PositionSchema } from './position-field.ts';
import { PROBLEMS } from './problem-schema.ts';
import { provenEntries } from './proven-entries.ts';
import { readableAction } from './readable-action.ts';
import { readerOf } from './request-fields.ts';

/** Of the largest entries an answer has 7 MiB, and the client of the SDK takes 16. */
const PAGE_ENTRIES = 100;

/** All that the log says of one action, each entry with what proves it. */
export function registerActionEntries(app: App, gateway: Gateway): void {
  app.get(
    '/v1/actions/:id/entries',
    {
      schema: {
        summary: 'Every entry about an action as it is hashed, with its receipt',
        tags: ['read'],
        params: Type.Object({ id: UlidSchema }),
        querystring: Type.Object(
          { start: Type.Optional(PositionSchema), size: Type.Optional(PositionSchema) },
          { additionalProperties: false },
        ),
        response: { 200: ActionEntriesSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      const { query, params } = request;
      const start = positionOf('start', query.start ?? '0');
      const size = query.size === undefined ? undefined : positionOf('size', query.size);
      const { tenant, actionId } = await readableAction(gateway, readerOf(request), params.id);
      const page = { start, limit: PAGE_ENTRIES + 1 };
      const rows = await gateway.deps.models.entriesOf(tenant, actionId, page);
      const proven = await provenEntries(gateway, rows, size);
      const { entries } = proven;
      const next = entries.length > PAGE_ENTRIES ? (entries.at(-1)?.entry.index ?? null) : null;
      return { ...proven, entries: entries.slice(0, PAGE_ENTRIES), next };
    },
  );
}
