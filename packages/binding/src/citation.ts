import type { ActionRecord } from './action-record.ts';
import type { DecisionStatement } from './decision-statement.ts';
import type { LedgerState } from './ledger-state.ts';
import type { RefusalCode } from './refusal-code.ts';

/**
 * Whether a statement is about this very admission: its leaf, its action, its display. A statement that mixes
 * two open requests is told apart from one about an admission that is over, or never was (attack rows A05, C11, E01).
 */
export function refusalOfCitation(
  state: LedgerState,
  record: ActionRecord,
  statement: DecisionStatement,
): RefusalCode | undefined {
  if (statement.admission !== record.admission) {
    const isOpen = state.tables.openByAdmission.get(statement.admission) !== undefined;
    return isOpen ? 'DECISION_REQUEST_MISMATCH' : 'ADMISSION_MISMATCH';
  }
  if (statement.action_digest !== record.actionDigest) {
    const isOfAnother = state.tables.openByDigest.get(statement.action_digest) !== undefined;
    return isOfAnother ? 'DECISION_REQUEST_MISMATCH' : 'ACTION_DIGEST_MISMATCH';
  }
  return statement.display_digest === record.displayDigest ? undefined : 'DISPLAY_MISMATCH';
}
