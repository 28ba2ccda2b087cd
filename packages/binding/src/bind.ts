import { formatTimestamp, isJsonObject, timestampMs, type Json } from '@countersign/canonical';
import type { ActionRecord, DecisionRecord } from './action-record.ts';
import { applyChange, parseAuthorityChange } from './authority-change.ts';
import { BindingError, invariant } from './binding-error.ts';
import type { BoundDecision } from './decision-entry.ts';
import type { CommonStatement, DecisionStatement } from './decision-statement.ts';
import { areOneVoice, deputyEndMs, voiceOf, type Voiced } from './deputy.ts';
import { assertReviewed, raiseBreakGlass } from './decide-break-glass.ts';
import { changeOf } from './evolve.ts';
import { assertIssuersStand } from './grant.ts';
import { epochOf, refusalOfEpoch } from './freeze.ts';
import type { LedgerState } from './ledger-state.ts';
import { membershipEndMs } from './membership.ts';
import { isStricterNow } from './policy-now.ts';
import { isAuthorityType } from './policy.ts';
import type { Proceeding } from './proceeding.ts';
import { RECOVERY_TYPE } from './recovery.ts';
import { rareTerms, type RequestAdmitted, type Terms } from './request-entry.ts';
import { assertReviewOf, partiesTo } from './review.ts';
import { inOrder, isRecent } from './seating.ts';

/** The approvals that count now: those that stand, not older than the window, and in order where one is asked for. */
export function liveApprovals(run: Proceeding, record: ActionRecord): readonly DecisionRecord[] {
  const { requirement } = openAdmission(record);
  const standing = standingApprovals(run, record);
  return inOrder(
    standing.filter(({ bound }) => isRecent(bound, requirement, run.atMs)),
    requirement,
    recordVoice,
  );
}

/** When an approval ends to count, by what its person has shown, and in whose place they were: undefined where it does not count now. */
function approvalEndMs(
  run: Proceeding,
  record: ActionRecord,
  { person, notAfterMs, bound }: DecisionRecord,
): number | undefined {
  const { authority } = run.state;
  const needed = record.open?.requirement.member_of;
  const ends: (number | undefined)[] = [notAfterMs];
  if (needed !== undefined) {
    const shown = { person, membership: bound?.membership, atMs: run.atMs };
    ends.push(membershipEndMs(authority, needed, shown));
  }
  if (bound?.for !== undefined) {
    ends.push(deputyEndMs(authority, { person, for: bound.for, type: record.type }, run.atMs));
  }
  return ends.every((each) => each !== undefined) ? Math.min(...ends) : undefined;
}

/** Not expired, by a key that still stands, of a natural person who is still in the group that is asked for, and still the deputy of whom they approved for. */
export function standingApprovals(
  run: Proceeding,
  record: ActionRecord,
): readonly DecisionRecord[] {
  const { authority } = run.state;
  return unreplaced(record).filter((decision) => {
    const { credential, person } = decision;
    return (
      (approvalEndMs(run, record, decision) ?? -1) >= run.atMs &&
      authority.get('credential', credential)?.person === person &&
      authority.get('person', person)?.class === 'natural'
    );
  });
}

/**
 * Whoever approves anew, for themselves or in another's place, replaces for good what that voice said before: it did not count
 * then, and one that counts again, as once a deputy is named again, would be a second one beside it. Attack rows D04, D12, F06.
 */
function unreplaced({ decisions }: ActionRecord): readonly DecisionRecord[] {
  const approvals = decisions.filter(({ verdict }) => verdict === 'approve');
  return approvals.filter(
    (each, index) => !approvals.slice(index + 1).some((later) => isReplacedBy(each, later)),
  );
}

function isReplacedBy(one: DecisionRecord, later: DecisionRecord): boolean {
  return one.credential === later.credential || areOneVoice(one.bound ?? one, later.bound ?? later);
}

function openAdmission(record: ActionRecord): RequestAdmitted {
  invariant(record.open !== undefined, 'an open request keeps its admission');
  return record.open;
}

/**
 * That a binding made now would stand: its agent is enrolled as it was when admitted, and a change of the
 * authority is still possible; and that what these persons approve is what the policy asks for now.
 *
 * @throws BindingError AGENT_UNKNOWN, AGENT_MISMATCH, DELEGATION_INVALID, POLICY_CHANGED, AUTHORITY_STALE, REVIEW_OVERDUE
 */
export function assertBindable(
  run: Proceeding,
  record: ActionRecord,
  approvals: readonly Voiced[],
): void {
  const open = openAdmission(record);
  const { authority } = run.state;
  const agent = authority.get('agent', open.agent.id);
  if (agent === undefined) {
    throw new BindingError('AGENT_UNKNOWN', 'decision: expected an agent that is still enrolled');
  }
  const isSame =
    agent.key_thumbprint === open.agent.key_thumbprint &&
    agent.owner === open.agent.owner &&
    agent.person === open.agent.person &&
    agent.sponsor === open.agent.sponsor;
  if (!isSame) {
    throw new BindingError('AGENT_MISMATCH', 'decision: expected the agent as it was admitted');
  }
  assertIssuersStand(open.delegation, authority);
  assertReviewed(run, open.action_type.name);
  if (isRuledStricter(run.state, record, approvals)) {
    throw new BindingError('POLICY_CHANGED', 'decision: expected what the policy asks for now');
  }
  if (!isAuthorityType(open.action_type.name)) return;
  try {
    const change = parseAuthorityChange(effectOf(open));
    applyChange(authority, change, run.atMs);
    if (change.kind === 'reviewed') {
      assertReviewOf(run.state.action(change.action_id), change, run.atMs);
    }
  } catch (error) {
    if (!(error instanceof BindingError)) throw error;
    throw new BindingError(
      'AUTHORITY_STALE',
      'decision: expected a change that is still possible',
      {
        cause: error,
      },
    );
  }
}

/** Writes the binding of an action with enough approvals, and carries out a change of the authority at once. */
export function bind(run: Proceeding, statement: DecisionStatement): void {
  const record = run.state.action(statement.action_id);
  invariant(record !== undefined, 'a binding is of an admitted action');
  const open = openAdmission(record);
  const approvals = liveApprovals(run, record);
  const decisions = approvals.map(boundDecision);
  const useByMs = Math.min(
    run.atMs + open.use_within_s * 1_000,
    timestampMs(open.not_after),
    ...approvals.map((each) => approvalEndMs(run, record, each) ?? run.atMs),
  );
  raiseRecovery(run, open);
  const binding = run.write({
    type: 'binding-made',
    ...termsOf(open),
    action_id: record.id,
    admission: record.admission,
    admission_index: record.admissionIndex,
    decisions,
    statement: commonOf(statement),
    authority: run.state.authorityRef,
    use_by: formatTimestamp(useByMs),
    start_within_s: open.start_within_s,
    max_uses: open.max_uses,
    epoch: epochOf(run.state.authority),
  });
  raiseBreakGlass(run, open);
  if (isAuthorityType(open.action_type.name)) changeAuthority(run, open, binding);
}

/** The alarm: whoever is against it has the delay to say so. A batch ends with the change, so it stands before the binding. */
function raiseRecovery(run: Proceeding, open: RequestAdmitted): void {
  if (open.action_type.name !== RECOVERY_TYPE) return;
  const { person } = Object(effectOf(open)) as { readonly person: string };
  run.write({
    type: 'finding-raised',
    finding: 'RECOVERY_STARTED',
    about: { action_id: open.action_id, person, agent: open.agent.id },
  });
}

/** Whether the policy asks more of an action now than when it was admitted: attack row F01. */
export function isRuledStricter(
  { authority, policy }: LedgerState,
  { type, ruled, uses, batch }: ActionRecord,
  approvals: readonly Voiced[],
): boolean {
  if (ruled === undefined || ruled.policy === authority.get('policy', 'policy')?.digest)
    return false;
  const approvers = approvals.map(voiceOf);
  // Each item of a batch has one use, whatever a rule says.
  const count = batch === undefined ? uses.length : 0;
  return isStricterNow(policy, { type, ruled, approvers, uses: count });
}

/** Why a request is not to be approved any more: the ledger was frozen since it was admitted. */
export function refusalOfFreeze(
  { state }: Proceeding,
  open: RequestAdmitted,
): ReturnType<typeof refusalOfEpoch> {
  const change = open.action === undefined ? undefined : changeOf(open.action);
  const kind = isJsonObject(change) ? change['kind'] : undefined;
  return refusalOfEpoch(state.authority, { epoch: open.epoch ?? 0, kind });
}

/** Of a decision about an open request: whose seat it fills. */
export function recordVoice(record: DecisionRecord): string {
  return voiceOf(record.bound ?? record);
}

function boundDecision({ bound }: DecisionRecord): BoundDecision {
  invariant(bound !== undefined, 'an open request keeps the proofs of its decisions');
  return bound;
}

function commonOf(statement: DecisionStatement): CommonStatement {
  return {
    v: statement.v,
    ledger: statement.ledger,
    tenant: statement.tenant,
    action_id: statement.action_id,
    admission: statement.admission,
    action_digest: statement.action_digest,
    display_digest: statement.display_digest,
    verdict: 'approve',
  };
}

function termsOf(open: RequestAdmitted): Terms {
  return {
    action_digest: open.action_digest,
    display_digest: open.display_digest,
    action_type: open.action_type,
    descriptor_digest: open.descriptor_digest,
    policy_digest: open.policy_digest,
    requirement: open.requirement,
    agent: open.agent,
    acting_for: open.acting_for,
    executor: open.executor,
    excluded: open.excluded,
    separation: open.separation,
    demo: open.demo,
    ...rareTerms(open),
  };
}

/** Who may not sign for this. */
export function partiesIn(open: RequestAdmitted): readonly Json[] {
  return isAuthorityType(open.action_type.name) ? partiesTo(effectOf(open)) : [];
}

function effectOf(open: RequestAdmitted): Json {
  invariant(open.action !== undefined, 'an authority admission holds its action');
  return changeOf(open.action);
}

function changeAuthority(
  run: Proceeding,
  open: RequestAdmitted,
  binding: { readonly leaf: RequestAdmitted['input']; readonly index: number },
): void {
  const { authority, authorityRef } = run.state;
  const after = applyChange(authority, parseAuthorityChange(effectOf(open)), run.atMs);
  run.write({
    type: 'authority-changed',
    change: {
      change: 'bound',
      action: open.action ?? '',
      binding: binding.leaf,
      binding_index: binding.index,
    },
    previous: authorityRef,
    authority_root: after.root,
  });
}
