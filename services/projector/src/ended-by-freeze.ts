import { isAuthorityType } from '@countersign/binding';
import type { ActionRow, ReadModels } from '@countersign/store';

/**
 * Whether a freeze has ended what a row says is open: schemas/formats/authority.md §12. No entry says so of each action: it was
 * admitted before the freeze, and nothing is admitted while that lasts but changes of the authority, some of which go on.
 */
export async function endedByFreeze(
  models: Pick<ReadModels, 'member'>,
): Promise<(row: Pick<ActionRow, 'actionType' | 'admissionIndex'>) => boolean> {
  // Of the entry that froze the ledger, or that ended this.
  const index = (await models.member('freeze', 'freeze'))?.sinceIndex ?? 0;
  return ({ actionType, admissionIndex }) =>
    admissionIndex !== null &&
    admissionIndex < index &&
    actionType !== null &&
    !isAuthorityType(actionType);
}
