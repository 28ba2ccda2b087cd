import { parseEntry, type Assurance } from '@countersign/binding';
import type { ActionRow } from '@countersign/store';
import { Type } from 'typebox';
import { UsesSchema } from './answer-schema.ts';
import type { App, Gateway } from './gateway-app.ts';
import { notFound } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { mayRead } from './reader.ts';
import { readerOf } from './request-fields.ts';

const ShortId = Type.String({
  pattern: '^cs-[0-9A-HJKMNP-TV-Z]{10}$',
  description: 'As target systems record it: cs- and the last ten characters of the id of the use',
});

export function registerUseRoutes(app: App, gateway: Gateway): void {
  app.get(
    '/v1/uses/:short_id',
    {
      schema: {
        summary: 'Uses by what a target system recorded of them',
        tags: ['read'],
        params: Type.Object({ short_id: ShortId }),
        response: { 200: UsesSchema, ...PROBLEMS },
      },
      preValidation: gateway.authenticate,
    },
    async (request) => {
      const reader = readerOf(request);
      const { models } = gateway.deps;
      const found = await models.usesCalled(reader.tenant, request.params.short_id);
      const uses = await Promise.all(
        found.map(async ({ useId, actionId, at, index }) => {
          const action = await models.action(reader.tenant, actionId);
          if (action === undefined || !mayRead(reader, action)) return [];
          const assurance = (await assuranceOf(gateway, action)) ?? null;
          return [{ use_id: useId, action_id: actionId, used_at: at, index, assurance }];
        }),
      );
      // What is not this reader's is as if it were not there.
      if (uses.flat().length === 0) throw notFound();
      return { uses: uses.flat() };
    },
  );
}

/** As its binding tells. */
async function assuranceOf(
  { deps }: Gateway,
  { bindingIndex }: ActionRow,
): Promise<Assurance | undefined> {
  const [row] = bindingIndex === null ? [] : await deps.models.entries(bindingIndex, 1);
  const entry = row === undefined ? undefined : parseEntry(row.bytes);
  return entry?.type === 'binding-made' ? entry.requirement.assurance : undefined;
}
