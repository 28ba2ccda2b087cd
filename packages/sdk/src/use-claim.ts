import {
  parseExecutionReport,
  parseSignedObject,
  parseUseClaim,
  type BatchItem,
  type UseClaim,
} from '@countersign/binding';
import { canonicalBytes, formatTimestamp, utf8, type Digest } from '@countersign/canonical';
import { newUlid } from '@countersign/crypto-node';
import { violatedBound, type Chosen } from '@countersign/descriptors';
import type { Evidence, Verifier } from '@countersign/verify';
import type { InputAnswer } from './input-answer.ts';
import type { LedgerClient } from './ledger-client.ts';
import type { ExecutionResult } from './run-result.ts';
import { SdkError } from './sdk-error.ts';
import { signedFrame, type SigningKey } from './signing-key.ts';

/** A claim that is signed and not sent. */
export interface DraftedUse {
  readonly useId: string;
  /** Sending it again is the same claim: entries.md §3. */
  readonly frame: string;
  readonly claimedAt: string;
}

/** A use that the log holds: the one permission to start once. */
export interface GrantedUse {
  readonly useId: string;
  readonly shortId: string;
  readonly startBy: string;
}

/**
 * @param binding of evidence that was verified for this executor and this action.
 * @throws SdkError CONSTRAINT_VIOLATED for a choice that the ledger would refuse
 */
export async function draftUse(
  {
    binding,
    chosen,
    item,
  }: {
    readonly binding: Evidence['binding'];
    readonly chosen?: Chosen;
    readonly item?: BatchItem;
  },
  executor: { readonly id: string; readonly key: SigningKey },
  nowMs: number,
): Promise<DraftedUse> {
  const { entry, leaf } = binding;
  assertChosen(entry, chosen);
  const useId = newUlid(nowMs);
  const claimedAt = formatTimestamp(nowMs);
  const payload = canonicalBytes({
    v: versionOf(chosen, item),
    tenant: entry.tenant,
    action_id: entry.action_id,
    use_id: useId,
    action_digest: entry.action_digest,
    binding: leaf,
    executor: executor.id,
    claimed_at: claimedAt,
    ...(chosen !== undefined && { chosen }),
    ...(item !== undefined && { item: { ...item, path: [...item.path] } }),
  });
  return { useId, frame: await signedFrame('use', payload, executor.key), claimedAt };
}

function versionOf(chosen: Chosen | undefined, item: BatchItem | undefined): UseClaim['v'] {
  if (item !== undefined) return 'countersign.use.v3';
  return chosen === undefined ? 'countersign.use.v1' : 'countersign.use.v2';
}

function assertChosen({ bounds }: Evidence['binding']['entry'], chosen?: Chosen): void {
  const violated = bounds === undefined ? chosen && 'chosen' : violatedBound(bounds, chosen ?? {});
  if (violated === undefined) return;
  throw new SdkError('CONSTRAINT_VIOLATED', `expected ${violated} within what was approved`);
}

/** Of the claim itself: it is what the ledger held to the bounds, and no order that came later. */
export function chosenIn({ frame }: Pick<DraftedUse, 'frame'>): Chosen | undefined {
  return parseUseClaim(parseSignedObject(utf8(frame)).payload).chosen;
}

/** What a claim is checked with. */
export interface ClaimCheck {
  readonly ledger: Pick<LedgerClient, 'submit'>;
  readonly verifier: Verifier;
  readonly binding: Evidence['binding'];
  readonly nowMs: () => number;
}

/**
 * Sends a claim that its sender has written down, and checks the log's receipt for it.
 *
 * @throws SdkError the ledger's refusal (ALREADY_CONSUMED, EXPIRED, REVOKED, …), LEDGER_UNREACHABLE, the verifier's codes
 */
export async function claimUse(
  use: Pick<DraftedUse, 'useId' | 'frame'>,
  check: ClaimCheck,
): Promise<GrantedUse> {
  const answer = await check.ledger.submit('uses', use.frame);
  return grantedUse(answer, use.useId, check);
}

/** @throws SdkError EXPIRED when the log holds the use and it is too late to start; the verifier's codes */
export async function grantedUse(
  answer: InputAnswer,
  useId: string,
  { verifier, binding, nowMs }: Omit<ClaimCheck, 'ledger'>,
): Promise<GrantedUse> {
  const outcome = await verifier.verifyUse({
    entry: answer.entry.text,
    receipt: answer.receipt,
    binding: { entry: binding.entry, leaf: binding.leaf },
    useId,
    nowMs: nowMs(),
  });
  const { code = 'USE_UNKNOWN', startBy, shortId } = outcome;
  if (outcome.outcome === 'VALID' && startBy !== undefined && shortId !== undefined) {
    return { useId, shortId, startBy };
  }
  throw new SdkError(code, 'the use in the log may not be started');
}

export interface ReportFacts extends ExecutionResult {
  readonly tenant: string;
  readonly actionId: string;
  readonly actionDigest: Digest;
  readonly useId: string;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** The signed report of one use: entries.md §3. @throws BindingError when no report can hold these facts */
export async function signedReport(
  facts: ReportFacts,
  executor: { readonly id: string; readonly key: SigningKey },
): Promise<string> {
  const { exitStatus, targetRef, beforeDigest, afterDigest, outputs } = facts;
  const payload = canonicalBytes({
    v: 'countersign.report.v1',
    tenant: facts.tenant,
    action_id: facts.actionId,
    use_id: facts.useId,
    action_digest: facts.actionDigest,
    executor: executor.id,
    result: facts.result,
    ...(exitStatus !== undefined && { exit_status: exitStatus }),
    ...(targetRef !== undefined && { target_ref: targetRef }),
    ...(beforeDigest !== undefined && { before_digest: beforeDigest }),
    ...(afterDigest !== undefined && { after_digest: afterDigest }),
    ...(outputs !== undefined && { outputs: outputs.map((output) => ({ ...output })) }),
    started_at: facts.startedAt,
    ended_at: facts.endedAt,
  });
  parseExecutionReport(payload);
  return signedFrame('report', payload, executor.key);
}
