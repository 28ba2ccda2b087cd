import type { ActionRecord } from './action-record.ts';
import { assertInBatch, type BatchItem } from './batch-item.ts';
import { refusalCodeOf } from './binding-error.ts';
import type { RefusalCode } from './refusal-code.ts';

interface ItemRefusal {
  readonly code: RefusalCode;
  readonly firstUse?: string;
}

/**
 * Each item of a batch runs once, and only those that were approved: attack rows A12 and A16. What the claim alone tells
 * is looked at last, so that a replay without the claim comes to the same refusals before it.
 */
export function refusalOfItem(
  { batch, uses }: ActionRecord,
  item: BatchItem | undefined,
): ItemRefusal | undefined {
  if (batch !== undefined && item !== undefined) {
    const own = uses.find((use) => use.item === item.index);
    if (own !== undefined) {
      return { code: own.isUnknown ? 'OUTCOME_UNKNOWN' : 'ALREADY_CONSUMED', firstUse: own.useId };
    }
  }
  try {
    assertInBatch(item, batch);
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined) throw error;
    return { code };
  }
  return batch?.order === 'listed' ? refusalOfPlan(uses, item?.index ?? 0) : undefined;
}

/** A step that failed, or of which nobody knows, stops the plan. */
function refusalOfPlan(uses: ActionRecord['uses'], index: number): ItemRefusal | undefined {
  const before = uses.find(({ item }) => item === index - 1);
  if (index === 0 || before?.isDone === true) return undefined;
  const code = before?.isUnknown === true ? 'OUTCOME_UNKNOWN' : 'PLAN_ORDER';
  return { code, ...(before !== undefined && { firstUse: before.useId }) };
}
