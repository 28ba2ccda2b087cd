import { parseExecutionReport, type ExecutionReport } from '@countersign/binding';
import { utf8 } from '@countersign/canonical';
import type { Evidence } from '@countersign/verify';
import type { ClaimRecord } from './run-record.ts';
import type { ExecutionResult } from './run-result.ts';
import { sdkError } from './sdk-error.ts';

/** An approval of what may have run already is no approval to run it once more (attack row C16). @throws SdkError OUTCOME_UNKNOWN */
export function assertNothingUnknown({ binding, reports }: Evidence): void {
  // Of a batch it holds back the item that it is about, and those after it in a plan: the ledger knows which.
  if (binding.entry.batch !== undefined) return;
  const told = toldIn(reports);
  // Of a use of a grant a later report may say what came of it.
  const known = new Set(told.flatMap((each) => (each.result === 'unknown' ? [] : [each.use_id])));
  if (told.some(({ use_id: useId }) => !known.has(useId))) {
    throw sdkError('OUTCOME_UNKNOWN', 'an earlier use of this binding came to nobody knows what');
  }
}

/**
 * What this executor has told the ledger of the use that it claimed, in evidence that was verified. It is known there where the
 * start and the report were written here and are gone: the claim alone would say that nothing was started (attack row C16).
 */
export function reportedResult(
  { reports }: Evidence,
  { use_id: useId }: ClaimRecord,
): ExecutionResult['result'] | undefined {
  return toldIn(reports).findLast((report) => report.use_id === useId)?.result;
}

function toldIn(reports: Evidence['reports']): readonly ExecutionReport[] {
  return reports.map(({ entry }) => parseExecutionReport(utf8(entry.report)));
}
