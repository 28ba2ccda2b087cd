import { BindingError, shortIdOf } from '@countersign/binding';
import type { ExecutorIdentity, ExecutorLedger } from './run-order.ts';
import { writeRunPart, type ClaimRecord, type ReportRecord } from './run-record.ts';
import type { ExecutionResult, RunEnded, RunUnknown } from './run-result.ts';
import type { RunStore } from './run-store.ts';
import { SdkError } from './sdk-error.ts';
import { signedReport, type ReportFacts } from './use-claim.ts';

export interface ReportParts {
  readonly ledger: ExecutorLedger;
  readonly executor: ExecutorIdentity;
  readonly store: RunStore;
}

/** One run by its name, with its claim. */
export interface ClaimedRun {
  readonly run: string;
  readonly claim: ClaimRecord;
}

/** No answer is no refusal: what was sent may have arrived. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof SdkError)) return true;
  return ['LEDGER_UNREACHABLE', 'ANSWER_INVALID', 'INTERRUPTED'].includes(error.code);
}

export async function draftReport(
  { claim }: ClaimedRun,
  ended: { readonly result: ExecutionResult; readonly startedAt: string; readonly endedAt: string },
  executor: ExecutorIdentity,
): Promise<string> {
  const { result, startedAt, endedAt } = ended;
  const always: ReportFacts = {
    tenant: claim.tenant,
    actionId: claim.action_id,
    actionDigest: claim.action_digest,
    useId: claim.use_id,
    result: result.result,
    startedAt,
    endedAt,
  };
  try {
    return await signedReport({ ...result, ...always }, executor);
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    // Details that no report can hold must not keep the ledger from hearing how it ended.
    return signedReport(always, executor);
  }
}

export type Delivered = 'logged' | 'pending' | 'conflict';

/**
 * Sends a report that was written down.
 *
 * Crash story: if we stop before it is marked as sent, it is sent again, which the ledger answers as before.
 */
export async function deliver(
  { run, claim }: ClaimedRun,
  frame: string,
  { ledger, store }: ReportParts,
): Promise<Delivered> {
  let delivered: Delivered = 'logged';
  try {
    await ledger.submit('reports', frame);
  } catch (error) {
    if (!(error instanceof SdkError) || error.code !== 'REPORT_CONFLICT') return 'pending';
    delivered = 'conflict';
  }
  await writeRunPart({ store, run }, 'sent', {
    v: 'countersign.run-sent.v1',
    use_id: claim.use_id,
  });
  return delivered;
}

/** What a run that was started came to. Only what succeeded or failed and is logged has ended; all else is unknown. */
export function resultOf(
  { claim }: ClaimedRun,
  result: ReportRecord['result'],
  told: { readonly delivered: Delivered; readonly isRepeat: boolean; readonly cause?: unknown },
): RunEnded | RunUnknown {
  const { delivered, isRepeat, cause } = told;
  const use = { useId: claim.use_id, shortId: shortIdOf(claim.use_id) };
  if (delivered === 'logged' && result !== 'unknown') {
    return { outcome: 'ended', result, ...use, isRepeat };
  }
  return {
    outcome: 'unknown',
    code: 'OUTCOME_UNKNOWN',
    ...use,
    result,
    report: delivered === 'pending' ? 'pending' : 'logged',
    ...(cause !== undefined && { cause }),
  };
}
