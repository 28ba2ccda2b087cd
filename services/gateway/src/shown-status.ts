import { endedByFreeze } from '@countersign/projector';
import type { ActionRow, ActionStatus } from '@countersign/store';
import type { Models } from './gateway-deps.ts';

/** As the read models have it, or that a freeze has ended it. */
export type ShownStatus = ActionStatus | 'epoch-ended';

/** Where an action stands for whoever reads. */
export async function shownStatuses(
  models: Pick<Models, 'member'>,
): Promise<(row: Pick<ActionRow, 'status' | 'actionType' | 'admissionIndex'>) => ShownStatus> {
  const isEnded = await endedByFreeze(models);
  return (row) => {
    const isOpen = row.status === 'pending' || row.status === 'bound';
    return isOpen && isEnded(row) ? 'epoch-ended' : row.status;
  };
}
