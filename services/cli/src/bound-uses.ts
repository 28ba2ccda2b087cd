import { parseExecutionReport, parseUseClaim, type EntryOf } from '@countersign/binding';
import { utf8, type JsonObject } from '@countersign/canonical';
import { batchedType } from '@countersign/descriptors';
import { expectedEffects, type BoundUse, type ExpectedEffect } from '@countersign/reconcile';
import type { LedgerClient } from '@countersign/sdk';
import { actionIn } from './given-evidence.ts';
import { logEntries } from './log-entries.ts';

/** All uses of the log, with what they were to do, as the ledger gives it: `verify` checks evidence, this does not. */
export async function boundUses(client: LedgerClient): Promise<readonly BoundUse[]> {
  const used: EntryOf<'binding-used'>[] = [];
  const results = new Map<string, NonNullable<BoundUse['result']>>();
  for await (const entry of logEntries(client)) {
    if (entry.type === 'binding-used') used.push(entry);
    if (entry.type === 'execution-reported') {
      results.set(entry.use_id, parseExecutionReport(utf8(entry.report)).result);
    }
  }
  const actions = new Map<string, Bound | undefined>();
  for (const id of new Set(used.map(({ action_id: actionId }) => actionId))) {
    actions.set(id, await boundAction(client, id));
  }
  return used.map((entry) => {
    const result = results.get(entry.use_id);
    return {
      actionId: entry.action_id,
      useId: entry.use_id,
      shortId: entry.short_id,
      startBy: entry.start_by,
      expected: expectedOf(actions.get(entry.action_id), entry),
      ...(result !== undefined && { result }),
    };
  });
}

interface Bound {
  readonly type: string;
  readonly params: JsonObject;
}

/** Of a grant each use has an effect of its own: what its claim chose; of a batch, that of its item. */
function expectedOf(
  action: Bound | undefined,
  { claim }: EntryOf<'binding-used'>,
): readonly ExpectedEffect[] | undefined {
  if (action === undefined) return undefined;
  const { chosen, item } = parseUseClaim(utf8(claim));
  const items = action.params['items'] as readonly JsonObject[] | undefined;
  const own = item && items?.[item.index]?.['params'];
  if (own === undefined) return expectedEffects(action.type, { ...action.params, ...chosen });
  return expectedEffects(batchedType(action.type) ?? action.type, own as JsonObject);
}

async function boundAction(client: LedgerClient, actionId: string): Promise<Bound | undefined> {
  const { type, params } = actionIn(await client.evidence(actionId), actionId) ?? {};
  return typeof type === 'string' ? { type, params: params as JsonObject } : undefined;
}
