import {
  canonicalBytes,
  formatTimestamp,
  toBase64url,
  utf8,
  type Digest,
} from '@countersign/canonical';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import {
  createVerifier,
  parseEvidence,
  VerifyError,
  type Evidence,
  type Outcome,
  type Verifier,
} from '@countersign/verify';
import { CliError, cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXEC_INTERFACE_DIGEST } from './exec-interface.ts';
import type { ExecRecord, RequestRecord, UseRecord } from './exec-record.ts';
import type { LedgerAccess } from './ledger-access.ts';
import { signedFrame, type SigningKey } from './signing-key.ts';

export interface Executor {
  readonly id: string;
  readonly audience: string;
  readonly key: SigningKey;
}

export interface ExecParts {
  readonly access: LedgerAccess;
  readonly executor: Executor;
  readonly context: CliContext;
}

/** A use that the log holds: the one permission to start once. */
export interface GrantedUse {
  readonly useId: string;
  readonly shortId: string;
  readonly startBy: string;
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
  const verifier = createVerifier({ trust: access.trust, verifySignature });
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

function readEvidence(text: string): Evidence {
  try {
    return parseEvidence(utf8(text));
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    throw new CliError(error.code, error.message, { cause: error });
  }
}

function assertValid({ outcome, code, steps }: Outcome): void {
  if (outcome === 'VALID') return;
  const detail = steps.at(-1)?.detail ?? 'the evidence was not accepted';
  throw new CliError(code ?? 'EVIDENCE_FORMAT', detail.replace(/^[A-Z_]+: /, ''));
}

/** What this machine will claim. Nothing is sent before it is on the disk. */
export function draftUse(binding: VerifiedBinding, { executor, context }: ExecParts): UseRecord {
  const { entry, leaf } = binding.evidence.binding;
  const { nowMs, randomBytes } = context;
  const useId = newUlid(nowMs());
  const claimedAt = formatTimestamp(nowMs());
  const payload = canonicalBytes({
    v: 'countersign.use.v1',
    tenant: entry.tenant,
    action_id: entry.action_id,
    use_id: useId,
    action_digest: entry.action_digest,
    binding: leaf,
    executor: executor.id,
    claimed_at: claimedAt,
  });
  return {
    v: 'countersign.exec-use.v1',
    use_id: useId,
    frame: signedFrame('use', payload, executor.key),
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
  const { entry, receipt } = await access.client.submit('uses', use.frame);
  const { entry: bound, leaf } = binding.evidence.binding;
  const outcome = await binding.verifier.verifyUse({
    entry: entry.text,
    receipt,
    binding: { entry: bound, leaf },
    useId: use.use_id,
    nowMs: context.nowMs(),
  });
  const { code, startBy, shortId } = outcome;
  if (outcome.outcome !== 'VALID' || startBy === undefined || shortId === undefined) {
    throw new CliError(code ?? 'USE_UNKNOWN', 'the use in the log may not be started');
  }
  return { useId: use.use_id, shortId, startBy };
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
  where: { readonly tenant: string; readonly actionDigest: string },
  { executor, context }: Pick<ExecParts, 'executor' | 'context'>,
): string {
  const { request, useId, result, exitStatus, outputs, startedAt } = facts;
  const payload = canonicalBytes({
    v: 'countersign.report.v1',
    tenant: where.tenant,
    action_id: request.action_id,
    use_id: useId,
    action_digest: where.actionDigest,
    executor: executor.id,
    result,
    ...(exitStatus !== undefined && { exit_status: exitStatus }),
    ...(outputs !== undefined && { outputs: outputs.map((output) => ({ ...output })) }),
    started_at: startedAt,
    ended_at: formatTimestamp(context.nowMs()),
  });
  return signedFrame('report', payload, executor.key);
}
