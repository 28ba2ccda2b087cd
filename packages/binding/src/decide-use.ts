import { formatTimestamp, fromUtf8, timestampMs } from '@countersign/canonical';
import { violatedBound } from '@countersign/descriptors';
import type { ActionRecord, BindingRecord, UseRecord } from './action-record.ts';
import type { ExecutorMember } from './authority-member.ts';
import type { AuthorityState } from './authority.ts';
import type { Outcome } from './decided.ts';
import { refusalOfItem } from './decide-item.ts';
import { CLOCK_SKEW_MS } from './decide-request.ts';
import { isRuledStricter } from './bind.ts';
import { deputyEndMs } from './deputy.ts';
import { payloadDigest } from './evolve.ts';
import { refusalOfEpoch } from './freeze.ts';
import type { ReportInput, UseInput } from './input.ts';
import type { LedgerState } from './ledger-state.ts';
import { areMembersTied } from './membership.ts';
import { isAuthorityType } from './policy.ts';
import type { Proceeding } from './proceeding.ts';
import type { RefusalCode } from './refusal-code.ts';
import { shortIdOf } from './use-claim.ts';

interface Refusal {
  readonly code: RefusalCode;
  readonly firstUse?: string;
  readonly constraint?: string;
}

export function decideUse(run: Proceeding, input: UseInput): Outcome {
  const executor = run.state.authority.holderOf(input.key);
  if (executor?.kind !== 'executor') return { status: 'quarantined', code: 'EXECUTOR_UNKNOWN' };
  const { claim } = input;
  const record = run.state.action(claim.action_id);
  const earlier = record?.uses.find(({ useId }) => useId === claim.use_id);
  if (earlier?.claim === payloadDigest('use', input.payload)) {
    return { status: 'repeated', index: earlier.index };
  }
  const refusal = refusalOfSender(run.state, executor, claim) ?? refusalOfUse(run, input, record);
  if (refusal !== undefined) return refuse(run, input, refusal);
  if (record?.binding === undefined) return refuse(run, input, { code: 'NOT_BOUND' });
  use(run, input, { record, binding: record.binding });
  return { status: 'accepted' };
}

function refusalOfSender(
  { authority }: LedgerState,
  executor: ExecutorMember,
  signed: { readonly executor: string; readonly tenant: string },
): Refusal | undefined {
  if (signed.tenant !== authority.ledger.tenant) return { code: 'TENANT_UNKNOWN' };
  return signed.executor === executor.id ? undefined : { code: 'EXECUTOR_MISMATCH' };
}

/** All of it is one step in the order of the log: attack rows C01, C02, C10, D10, F10. */
function refusalOfUse(
  run: Proceeding,
  { claim }: UseInput,
  record: ActionRecord | undefined,
): Refusal | undefined {
  if (record === undefined) return { code: 'NOT_BOUND' };
  if (claim.action_digest !== record.actionDigest) return { code: 'ACTION_DIGEST_MISMATCH' };
  if (isAuthorityType(record.type)) return { code: 'ALREADY_CONSUMED' };
  if (claim.executor !== record.executor.id) return { code: 'EXECUTOR_MISMATCH' };
  const code = refusalOfStatus(record, run.state.authority);
  if (code !== undefined) return { code };
  const { binding } = record;
  if (binding === undefined || claim.binding !== binding.leaf) return { code: 'NOT_BOUND' };
  return (
    refusalOfBounds(record, claim) ??
    refusalOfCount(record, claim.use_id) ??
    refusalOfMoment(run, record, binding) ??
    refusalOfClock(run, claim.claimed_at) ??
    refusalOfItem(record, claim.item)
  );
}

/** Values are chosen where the approval left some to choose, and nowhere else: attack row A13. */
function refusalOfBounds(
  { bounds, uses }: ActionRecord,
  { chosen }: UseInput['claim'],
): Refusal | undefined {
  if (bounds === undefined) {
    return chosen === undefined ? undefined : { code: 'CONSTRAINT_VIOLATED', constraint: 'chosen' };
  }
  const constraint = violatedBound(bounds, chosen ?? {});
  if (constraint !== undefined) return { code: 'CONSTRAINT_VIOLATED', constraint };
  // Whoever does not know what came of one payment finds out before the next: attack row C16.
  const unknown = uses.find(({ isUnknown }) => isUnknown);
  return unknown && { code: 'OUTCOME_UNKNOWN', firstUse: unknown.useId };
}

function refusalOfStatus(
  { status, binding }: ActionRecord,
  authority: AuthorityState,
): RefusalCode | undefined {
  switch (status) {
    case 'bound':
      return refusalOfEpoch(authority, { epoch: binding?.epoch ?? 0 });
    case 'pending':
    case 'denied':
      return 'NOT_BOUND';
    case 'expired':
      return 'EXPIRED';
    case 'revoked':
      return 'REVOKED';
    case 'superseded':
      return 'SUPERSEDED';
  }
}

function refusalOfCount(
  { uses, maxUses, bounds, batch }: ActionRecord,
  useId: string,
): Refusal | undefined {
  const same = uses.find((each) => each.useId === useId);
  if (same !== undefined) return { code: 'ALREADY_CONSUMED', firstUse: same.useId };
  const [first] = uses;
  // Of a batch each item has a use of its own, and no more: decide-item.ts.
  if (first === undefined || batch !== undefined || uses.length < maxUses) return undefined;
  return bounds === undefined
    ? { code: 'ALREADY_CONSUMED', firstUse: first.useId }
    : { code: 'CONSTRAINT_VIOLATED', constraint: 'max_uses', firstUse: first.useId };
}

function refusalOfMoment(
  { state, atMs }: Proceeding,
  record: ActionRecord,
  binding: BindingRecord,
): Refusal | undefined {
  if (atMs > binding.useByMs) {
    return record.bounds === undefined
      ? { code: 'EXPIRED' }
      : { code: 'CONSTRAINT_VIOLATED', constraint: 'use_by' };
  }
  if (record.erasedIndex !== undefined) return { code: 'CONTENT_ERASED' };
  const { authority } = state;
  const areApproversActive = binding.approvals.every(
    ({ person, credential }) => authority.get('credential', credential)?.person === person,
  );
  const areDeputies = binding.approvals.every(
    ({ person, for: principal }) =>
      principal === undefined ||
      deputyEndMs(authority, { person, for: principal, type: record.type }, atMs) !== undefined,
  );
  const areTied = areMembersTied(authority, record.ruled?.requirement.member_of, binding.approvals);
  if (!areApproversActive || !areDeputies || !areTied) return { code: 'APPROVER_REVOKED' };
  const changed = refusalOfAgent(authority, record);
  if (changed !== undefined) return { code: changed };
  if (isRuledStricter(state, record, binding.approvals)) return { code: 'POLICY_CHANGED' };
  const now = authority.get('executor', record.executor.id);
  return now?.interface_digest === record.executor.descriptor_digest
    ? undefined
    : { code: 'EXECUTOR_DESCRIPTOR_MISMATCH' };
}

/** Who asked is still enrolled, as it was when this was admitted: attack row F08. By rules 1 nobody looks. */
function refusalOfAgent(
  authority: AuthorityState,
  { agent: id, owner, ruled }: ActionRecord,
): RefusalCode | undefined {
  if (ruled === undefined) return undefined;
  const agent = authority.get('agent', id);
  if (agent === undefined) return 'AGENT_UNKNOWN';
  const isSame = agent.key_thumbprint === ruled.agent_key && agent.owner === owner;
  return isSame ? undefined : 'AGENT_MISMATCH';
}

function refusalOfClock({ atMs }: Proceeding, claimedAt: string): Refusal | undefined {
  const skewMs = Math.abs(timestampMs(claimedAt) - atMs);
  return skewMs > CLOCK_SKEW_MS ? { code: 'CLOCK_SKEW' } : undefined;
}

function refuse(run: Proceeding, input: UseInput | ReportInput, refusal: Refusal): Outcome {
  const about = input.kind === 'use' ? input.claim : input.report;
  const { id } = holder(run, input);
  return run.refuse(
    {
      type: 'use-refused',
      action_id: about.action_id,
      use_id: about.use_id,
      // Whose key signed, whatever name stands in the payload.
      executor: id,
      key_thumbprint: input.key,
      code: refusal.code,
      ...(refusal.firstUse === undefined ? {} : { first_use: refusal.firstUse }),
      ...(refusal.constraint === undefined ? {} : { constraint: refusal.constraint }),
      input: input.input,
    },
    refusal.code,
  );
}

function holder(run: Proceeding, input: UseInput | ReportInput): { readonly id: string } {
  const about = input.kind === 'use' ? input.claim : input.report;
  return run.state.authority.holderOf(input.key) ?? { id: about.executor };
}

function use(
  run: Proceeding,
  { claim, payload, key, signature, input }: UseInput,
  bound: { readonly record: ActionRecord; readonly binding: BindingRecord },
): void {
  const { record, binding } = bound;
  const startByMs = Math.min(run.atMs + record.startWithinMs, binding.useByMs);
  run.write({
    type: 'binding-used',
    action_id: record.id,
    binding: binding.leaf,
    use_id: claim.use_id,
    use_number: record.uses.length + 1,
    executor: record.executor.id,
    claim: fromUtf8(payload),
    key_thumbprint: key,
    signature,
    start_by: formatTimestamp(startByMs),
    short_id: shortIdOf(claim.use_id),
    input,
  });
}

export function decideReport(run: Proceeding, input: ReportInput): Outcome {
  const executor = run.state.authority.holderOf(input.key);
  if (executor?.kind !== 'executor') return { status: 'quarantined', code: 'EXECUTOR_UNKNOWN' };
  const { report } = input;
  const record = run.state.action(report.action_id);
  const used = record?.uses.find(({ useId }) => useId === report.use_id);
  const refusal =
    refusalOfSender(run.state, executor, report) ?? refusalOfReport(input, record, used);
  if (refusal !== undefined) return refuse(run, input, refusal);
  if (used?.report !== undefined && !isClearing(used, input))
    return repeatedReport(run, input, used.report);
  run.write({
    type: 'execution-reported',
    action_id: report.action_id,
    use_id: report.use_id,
    report: fromUtf8(input.payload),
    key_thumbprint: input.key,
    signature: input.signature,
    input: input.input,
  });
  return { status: 'accepted' };
}

function refusalOfReport(
  { report }: ReportInput,
  record: ActionRecord | undefined,
  used: UseRecord | undefined,
): Refusal | undefined {
  if (record === undefined || used === undefined) return { code: 'USE_UNKNOWN' };
  if (report.executor !== record.executor.id) return { code: 'EXECUTOR_MISMATCH' };
  if (report.action_digest !== record.actionDigest) return { code: 'ACTION_DIGEST_MISMATCH' };
  return report.ended_at < report.started_at ? { code: 'SCHEMA_INVALID' } : undefined;
}

/** That nobody knew is no result: once somebody does, it may be reported. */
function isClearing({ isUnknown }: UseRecord, { report }: ReportInput): boolean {
  return isUnknown === true && report.result !== 'unknown';
}

/** A use has one result. Another report about it is an alarm, and changes nothing. */
function repeatedReport(
  run: Proceeding,
  { report, payload, input }: ReportInput,
  first: NonNullable<UseRecord['report']>,
): Outcome {
  if (first.payload === payloadDigest('report', payload)) {
    return { status: 'repeated', index: first.index };
  }
  const { action_id, use_id, executor } = report;
  return run.refuse(
    {
      type: 'finding-raised',
      finding: 'REPORT_CONFLICT',
      about: { action_id, use_id, executor },
      input,
    },
    'REPORT_CONFLICT',
  );
}
