import type { ActionRow } from '@countersign/store';
import type { Gateway } from './gateway-app.ts';
import type { Models } from './gateway-deps.ts';
import { notFound } from './gateway-error.ts';
import { mayRead, type Reader } from './reader.ts';
import { shownStatuses, type ShownStatus } from './shown-status.ts';

/** An action as the read models have it. */
export interface ReadAction extends Omit<ActionRow, 'status'> {
  readonly status: ShownStatus;
  /** It is not older than the entries before this index. */
  readonly logSize: number;
}

/** @throws GatewayError NOT_FOUND, the same for what is not there and for what is not this reader's */
export async function readableAction(
  { deps }: Pick<Gateway, 'deps'>,
  reader: Reader,
  actionId: string,
): Promise<ReadAction> {
  const logSize = await logSizeOf(deps.models);
  const action = await deps.models.action(reader.tenant, actionId);
  if (action === undefined || !mayRead(reader, action)) throw notFound();
  const statusOf = await shownStatuses(deps.models);
  return { ...action, status: statusOf(action), logSize };
}

/** Of the entries that whatever is read afterwards reflects at least. */
export async function logSizeOf(models: Pick<Models, 'checkpoint'>): Promise<number> {
  return (await models.checkpoint())?.size ?? 0;
}
