import { formatTimestamp, utf8, type Digest } from '@countersign/canonical';
import type { Action } from '@countersign/descriptors';
import {
  parseEvidence,
  VerifyError,
  type Evidence,
  type Facts,
  type Verifier,
} from '@countersign/verify';
import {
  assertItemState,
  assertParamsOfItem,
  assertSameItem,
  itemToRun,
  type RunItem,
} from './batch-run.ts';
import type { InputAnswer } from './input-answer.ts';
import type { RunOrder } from './run-order.ts';
import { orderedAction } from './ordered-action.ts';
import { readRun, runName, writeRunPart, type ClaimRecord, type RunRecords } from './run-record.ts';
import { assertNothingUnknown, reportedResult } from './reported-use.ts';
import {
  deliver,
  draftReport,
  isUnanswered,
  resultOf,
  type ClaimedRun,
  type Delivered,
  type ReportParts,
} from './run-report.ts';
import type { ExecutionResult, RunRefused, RunResult, VerifiedAction } from './run-result.ts';
import { SdkError, sdkError } from './sdk-error.ts';
import { chosenIn, draftUse, grantedUse, type GrantedUse } from './use-claim.ts';
import { verifiedAction } from './verified-action.ts';

export interface RunParts extends ReportParts {
  readonly verifier: Verifier;
  readonly allowDemo: boolean;
  readonly nowMs: () => number;
}

type Execute = (verified: VerifiedAction) => Promise<ExecutionResult>;

interface OpenRun {
  readonly run: string;
  readonly order: RunOrder;
  readonly action: Action;
  /** Of an earlier call that started nothing: the same claim is made again, never a second one. */
  readonly claim: ClaimRecord | undefined;
}

/** Codes after which a claim that may have arrived can no longer be made good: it is found out what became of it. */
const CLOSED: ReadonlySet<string> = new Set(['ALREADY_CONSUMED', 'EXPIRED', 'REVOKED']);

/**
 * The order of an executor: verify, write the claim down, claim, write the start down, execute, write the report down,
 * send it. Each record is written once, before what it says is done; a run that has a start and no report is `unknown`.
 */
export class GuardedRun {
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  async run(order: RunOrder, execute: Execute): Promise<RunResult> {
    return refusalsOf(async () => {
      // Of a batch the whole is what was approved; the params that would be sent are those of one item.
      const { item, name = item === undefined ? '1' : `item-${item}` } = order;
      const action = orderedAction(item === undefined ? order : { action: order.action });
      const run = runName(action.envelope.action_id, name);
      return this.#alone(run, async () => {
        const left = await readRun(this.#parts.store, run);
        // Before a claim that was left open is sent once more, too: it is one for the action that it names.
        if (left.claim !== undefined && left.claim.action_digest !== action.digest) {
          throw new SdkError('ACTION_DIGEST_MISMATCH', 'expected the action of this run');
        }
        if (left.claim === undefined || (left.start ?? left.report) === undefined) {
          return this.#fresh({ run, order, action, claim: left.claim }, execute);
        }
        assertParamsOfItem(order, action);
        return this.#after({ run, claim: left.claim }, left);
      });
    });
  }

  async settle(): Promise<readonly RunResult[]> {
    const { store } = this.#parts;
    const results: RunResult[] = [];
    for (const run of await store.open()) {
      results.push(
        await refusalsOf(() =>
          this.#alone(run, async () => {
            const left = await readRun(store, run);
            const { claim } = left;
            if (claim === undefined) throw sdkError('NOT_STARTED', 'it was settled meanwhile');
            if ((left.start ?? left.report) !== undefined) return this.#after({ run, claim }, left);
            return this.#claimLeft({ run, claim }, sdkError('NOT_STARTED', 'nothing was started'));
          }),
        ),
      );
    }
    return results;
  }

  /** A process that is at a run has not reported yet: to any other it would look as if it had died. */
  async #alone(run: string, act: () => Promise<RunResult>): Promise<RunResult> {
    const lock = await this.#parts.store.lock(run);
    if (lock === undefined) throw sdkError('RUN_BUSY', 'another call is at this run');
    try {
      return await act();
    } finally {
      await lock.release();
    }
  }

  /** What was started in an earlier call. It is never started again. */
  async #after(claimed: ClaimedRun, left: RunRecords): Promise<RunResult> {
    const { report, sent, start } = left;
    if (report === undefined) {
      const startedAt = start?.started_at ?? claimed.claim.claimed_at;
      return this.#report(claimed, { result: { result: 'unknown' }, startedAt }, true);
    }
    const delivered =
      sent === undefined ? await deliver(claimed, report.frame, this.#parts) : 'logged';
    if (!report.started) return refused('NOT_STARTED', 'its use was claimed and nothing started');
    return resultOf(claimed, report.result, { delivered, isRepeat: true });
  }

  async #fresh(open: OpenRun, execute: Execute): Promise<RunResult> {
    const { run, action } = open;
    const evidence = await this.#evidence(open);
    let facts: Facts;
    let item: RunItem | undefined;
    try {
      facts = await this.#verified(evidence, open);
      item = await this.#item(evidence, open);
    } catch (error) {
      const isClosed = error instanceof SdkError && CLOSED.has(error.code);
      if (!isClosed || open.claim === undefined) throw error;
      // No proof of how it ended, but enough not to say that nothing ran.
      if (reportedResult(evidence, open.claim) !== undefined) {
        return resultOf({ run, claim: open.claim }, 'unknown', {
          delivered: 'logged',
          isRepeat: true,
        });
      }
      return this.#claimLeft({ run, claim: open.claim }, error);
    }
    const claim = open.claim ?? (await this.#writeClaim(open, evidence, item));
    assertSameItem(claim, item);
    const reported = reportedResult(evidence, claim);
    if (reported !== undefined) {
      return resultOf({ run, claim }, reported, { delivered: 'logged', isRepeat: true });
    }
    const use = await this.#claimUse({ run, claim }, evidence.binding);
    if ('outcome' in use) return use;
    return this.#start(
      { run, claim },
      {
        use,
        verified: verifiedAction(item?.action ?? action, facts, {
          ...{ ...use, chosen: chosenIn(claim) },
          actionDigest: action.digest,
        }),
        execute,
      },
    );
  }

  /** A claim that was left open may have been used since a file was made: what the ledger holds of it, only the ledger tells. */
  async #evidence({ order, action, claim }: OpenRun): Promise<Evidence> {
    const { action_id: actionId } = action.envelope;
    const handed = claim === undefined ? order.evidence : undefined;
    const file = handed ?? (await this.#asked(() => this.#parts.ledger.evidence(actionId)));
    try {
      return parseEvidence(typeof file === 'string' ? utf8(file) : file);
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      throw new SdkError(error.code, error.message, { cause: error });
    }
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof SdkError) throw error;
      throw sdkError('LEDGER_UNREACHABLE', 'expected an answer of the ledger', { cause: error });
    }
  }

  /** Which item of a batch, with the live state that it has of its own. */
  async #item(evidence: Evidence, { order, action }: OpenRun): Promise<RunItem | undefined> {
    const item = itemToRun(order, action, evidence);
    if (item !== undefined) assertItemState(item, await liveState(order, item.action));
    return item;
  }

  async #verified(evidence: Evidence, { order, action }: OpenRun): Promise<Facts> {
    const { verifier, executor, allowDemo, nowMs } = this.#parts;
    const preconditions = order.item === undefined ? await liveState(order, action) : {};
    const { id, audience, interfaceDigest } = executor;
    const { outcome, code, facts, steps } = await verifier.verifyForExecution(evidence, {
      level: 'human',
      nowMs: nowMs(),
      action: action.bytes,
      executor: { id, audience, interfaceDigest },
      preconditions,
      allowDemo,
    });
    if (outcome !== 'VALID' || facts === undefined) {
      const detail = steps.at(-1)?.detail ?? 'the evidence was not accepted';
      throw new SdkError(code ?? 'EVIDENCE_FORMAT', detail.replace(/^[A-Z_]+: /, ''));
    }
    assertNothingUnknown(evidence);
    return facts;
  }

  /**
   * Crash story: the claim is on the disk before it is sent. If we stop after that, whether it arrived is unknown, and the
   * next call makes the very same claim: of two answers to it there is only one.
   */
  async #writeClaim(
    { run, order }: OpenRun,
    { binding }: Evidence,
    item: RunItem | undefined,
  ): Promise<ClaimRecord> {
    const { executor, nowMs, store } = this.#parts;
    const { entry } = binding;
    const { useId, frame, claimedAt } = await draftUse(
      {
        binding,
        ...(order.chosen !== undefined && { chosen: order.chosen }),
        ...(item !== undefined && { item: item.proof }),
      },
      executor,
      nowMs(),
    );
    const claim: ClaimRecord = {
      v: 'countersign.run-claim.v1',
      tenant: entry.tenant,
      action_id: entry.action_id,
      action_digest: entry.action_digest,
      executor: executor.id,
      use_id: useId,
      frame,
      claimed_at: claimedAt,
    };
    if (await writeRunPart({ store, run }, 'claim', claim)) return claim;
    throw sdkError('RUN_BUSY', 'another call has claimed the use of this run');
  }

  async #claimUse(
    claimed: ClaimedRun,
    binding: Evidence['binding'],
  ): Promise<GrantedUse | RunRefused> {
    const { ledger, verifier, nowMs, store } = this.#parts;
    const { use_id: useId, frame } = claimed.claim;
    let answer: Awaited<ReturnType<typeof ledger.submit>>;
    try {
      answer = await this.#asked(() => ledger.submit('uses', frame));
    } catch (error) {
      // A claim that was refused is spent; a new call may make another one.
      if (!isUnanswered(error)) await store.forget(claimed.run);
      throw error;
    }
    try {
      return await grantedUse(answer, useId, { verifier, binding, nowMs });
    } catch (error) {
      if (!(error instanceof SdkError) || error.code !== 'EXPIRED') throw error;
      return this.#notStarted(claimed, error);
    }
  }

  /**
   * Crash story: the start is on the disk before anything is executed, and only one call can write it. If we stop
   * anywhere after that and before the report is written, the next call reports `unknown`.
   */
  async #start(
    claimed: ClaimedRun,
    go: { use: GrantedUse; verified: VerifiedAction; execute: Execute },
  ): Promise<RunResult> {
    const { store, nowMs } = this.#parts;
    const startedAt = formatTimestamp(nowMs());
    const isFirst = await writeRunPart({ store, run: claimed.run }, 'start', {
      v: 'countersign.run-start.v1',
      use_id: claimed.claim.use_id,
      started_at: startedAt,
    });
    if (!isFirst) throw sdkError('RUN_BUSY', 'another call has started this run');
    // No skew: starting late is the harm.
    if (nowMs() > Date.parse(go.use.startBy)) {
      const late = new SdkError('EXPIRED', `expected a start by ${go.use.startBy}; it did not run`);
      return this.#notStarted(claimed, late);
    }
    let result: ExecutionResult;
    let cause: unknown;
    try {
      result = await go.execute(go.verified);
      if (!['succeeded', 'failed'].includes(result.result))
        result = { ...result, result: 'unknown' };
    } catch (error) {
      // Whatever it was, the target may have changed before it.
      result = { result: 'unknown' };
      cause = error;
    }
    return this.#report(claimed, { result, startedAt, cause }, false);
  }

  /** After something was started it never throws: a caller that sees an error may think that nothing ran. */
  async #report(
    claimed: ClaimedRun,
    ended: { result: ExecutionResult; startedAt: string; cause?: unknown },
    isRepeat: boolean,
  ): Promise<RunResult> {
    const { result, startedAt, cause } = ended;
    let delivered: Delivered = 'pending';
    let failure = cause;
    try {
      delivered = await this.#written(claimed, { result, startedAt }, true);
    } catch (error) {
      failure ??= error;
    }
    return resultOf(claimed, result.result, { delivered, isRepeat, cause: failure });
  }

  async #written(
    claimed: ClaimedRun,
    ended: { result: ExecutionResult; startedAt: string },
    started: boolean,
  ): Promise<Delivered> {
    const { store, executor, nowMs } = this.#parts;
    const endedAt = formatTimestamp(nowMs());
    const frame = await draftReport(claimed, { ...ended, endedAt }, executor);
    await writeRunPart({ store, run: claimed.run }, 'report', {
      v: 'countersign.run-report.v1',
      use_id: claimed.claim.use_id,
      result: ended.result.result,
      started,
      frame,
    });
    return deliver(claimed, frame, this.#parts);
  }

  /** The use is in the log and nothing was started on it, nor ever will be: the ledger has to hear that. */
  async #notStarted(claimed: ClaimedRun, why: SdkError): Promise<RunRefused> {
    const result = { result: 'failed' } as const;
    await this.#written(claimed, { result, startedAt: claimed.claim.claimed_at }, false);
    return refused(why.code, why.message);
  }

  /** A claim of which nobody knows whether it arrived, of a binding that can no longer be used. */
  async #claimLeft(claimed: ClaimedRun, why: SdkError): Promise<RunRefused> {
    const { ledger, store } = this.#parts;
    try {
      await this.#asked(() => ledger.submit('uses', claimed.claim.frame));
    } catch (error) {
      if (!isUnanswered(error)) await store.forget(claimed.run);
      throw isUnanswered(error) ? error : why;
    }
    return this.#notStarted(
      claimed,
      sdkError('NOT_STARTED', 'its use was claimed and nothing started'),
    );
  }
}

async function liveState(
  order: RunOrder,
  action: Action,
): Promise<Readonly<Record<string, Digest>>> {
  try {
    return await order.preconditions(action.envelope);
  } catch (error) {
    throw sdkError('PRECONDITION_UNREADABLE', 'expected the live state', { cause: error });
  }
}

async function refusalsOf(act: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof SdkError) || error.code === 'RECORD_DAMAGED') throw error;
    return refused(error.code, error.message, error.answer);
  }
}

function refused(code: string, detail: string, answer?: InputAnswer): RunRefused {
  return { outcome: 'refused', code, detail, ...(answer !== undefined && { answer }) };
}
