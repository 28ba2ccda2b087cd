import { formatTimestamp, toBase64url, utf8, type Digest } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  claimUse as claimGranted,
  draftUse as draftClaim,
  signedReport,
  type GrantedUse,
  type HeldKey,
} from '@countersign/sdk';
import {
  checkDelegationTokens,
  createVerifier,
  type Evidence,
  type Outcome,
  type Verifier,
} from '@countersign/verify';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXEC_INTERFACE_DIGEST } from './exec-interface.ts';
import type { ExecRecord, RequestRecord, UseRecord } from './exec-record.ts';
import { readEvidence } from './given-evidence.ts';
import type { LedgerAccess } from './ledger-access.ts';
import { refusingAsCommand } from './ledger-client.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

export interface Executor {
  readonly id: string;
  readonly audience: string;
  readonly key: HeldKey;
}

export interface ExecParts {
  readonly access: LedgerAccess;
  readonly executor: Executor;
  readonly context: CliContext;
}

/** Evidence that was verified for this executor and this action, and the verifier that did it. */
export interface VerifiedBinding {
  readonly evidence: Evidence;
  readonly verifier: Verifier;
}

const SALT_BYTES = 16;

/**
 * Fetches the evidence and verifies it as an auditor would, with the trust file alone.
 *
 * @throws CliError the code of the outcome, unless it is VALID
 */
export async function verifyBinding(
  request: RequestRecord,
  { access, executor, context }: ExecParts,
): Promise<VerifiedBinding> {
  const verifier = createVerifier({
    trust: access.trust,
    verifySignature,
    policyEngine: POLICY_ENGINE,
    delegationCheck: checkDelegationTokens,
  });
  const evidence = readEvidence(await access.client.evidence(request.action_id));
  const outcome = await verifier.verifyForExecution(evidence, {
    nowMs: context.nowMs(),
    action: utf8(request.action),
    executor: { id: executor.id, interfaceDigest: EXEC_INTERFACE_DIGEST },
    preconditions: {},
    allowDemo: access.allowDemo,
  });
  assertValid(outcome);
  return { evidence, verifier };
}

/** @throws CliError the code of an outcome that is not VALID */
export function assertValid({
  outcome,
  code,
  steps,
}: Pick<Outcome, 'outcome' | 'code' | 'steps'>): void {
  if (outcome === 'VALID') return;
  const detail = steps.at(-1)?.detail ?? 'the evidence was not accepted';
  throw new CliError(code ?? 'EVIDENCE_FORMAT', detail.replace(/^[A-Z_]+: /, ''));
}

/** What this machine will claim. Nothing is sent before it is on the disk. */
export async function draftUse(
  { evidence }: VerifiedBinding,
  { executor, context }: ExecParts,
): Promise<UseRecord> {
  const { nowMs, randomBytes } = context;
  const { useId, frame, claimedAt } = await draftClaim(evidence, executor, nowMs());
  return {
    v: 'countersign.exec-use.v1',
    use_id: useId,
    frame,
    output_salts: {
      stdout: toBase64url(randomBytes(SALT_BYTES)),
      stderr: toBase64url(randomBytes(SALT_BYTES)),
    },
    claimed_at: claimedAt,
  };
}

/**
 * Claims the use and checks the log's receipt for it.
 *
 * Crash story: the record is written first and only one process can. If we stop after that, whether the claim arrived
 * is unknown, and nobody ever starts the command on it: a resumed `exec` reports the result `unknown`.
 *
 * @throws CliError RESUME_BUSY, the ledger's refusal (ALREADY_CONSUMED, EXPIRED, REVOKED, …), LEDGER_UNREACHABLE
 */
export async function claimUse(
  use: UseRecord,
  binding: VerifiedBinding,
  { record, parts }: { record: ExecRecord; parts: ExecParts },
): Promise<GrantedUse> {
  const { access, context } = parts;
  if (!(await record.claim(use))) {
    throw cliError('RESUME_BUSY', 'another process has claimed the use of this request');
  }
  const { verifier, evidence } = binding;
  return refusingAsCommand(() =>
    claimGranted(
      { useId: use.use_id, frame: use.frame },
      { ledger: access.client, verifier, binding: evidence.binding, nowMs: context.nowMs },
    ),
  );
}

export interface ReportFacts {
  readonly request: RequestRecord;
  readonly useId: string;
  readonly result: 'succeeded' | 'failed' | 'unknown';
  readonly exitStatus?: number;
  readonly outputs?: readonly { name: string; digest: Digest; bytes: number }[];
  readonly startedAt: string;
}

/** The signed report of one use. */
export function draftReport(
  facts: ReportFacts,
  where: { readonly tenant: string; readonly actionDigest: Digest },
  { executor, context }: Pick<ExecParts, 'executor' | 'context'>,
): Promise<string> {
  const { request, ...told } = facts;
  const endedAt = formatTimestamp(context.nowMs());
  return signedReport({ ...told, ...where, actionId: request.action_id, endedAt }, executor);
}
