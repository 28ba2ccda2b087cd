import type { AuthorityState } from './authority.ts';
import { isEmergencyType } from './break-glass.ts';
import { isReviewOverdue, reviewDueMs } from './break-glass-fold.ts';
import { BindingError } from './binding-error.ts';
import { enrolledPersons } from './cedar-sentence.ts';
import { QUORUM_MAX, type RuleInForce } from './policy.ts';
import type { Proceeding } from './proceeding.ts';
import type { RequestAdmitted } from './request-entry.ts';

/** How many persons review, none of whom had a part in it. */
const REVIEWERS = 2;

interface Asked {
  readonly type: string;
  readonly rule: RuleInForce;
  readonly agent: { readonly owner: string; readonly person?: string };
}

/**
 * That an emergency is decided by a rule for emergencies and by no other, that nothing is left unreviewed beyond its limit,
 * and that there is somebody to review it: attack row F09.
 *
 * @throws BindingError NO_POLICY, REVIEW_OVERDUE
 */
export function assertEmergency(run: Proceeding, { type, rule, agent }: Asked): void {
  if (isEmergencyType(type) !== (rule.break_glass !== undefined)) {
    throw new BindingError(
      'NO_POLICY',
      'request: expected break_glass for an emergency, and for nothing else',
    );
  }
  if (rule.break_glass === undefined) return;
  assertReviewed(run, type);
  const { authority } = run.state;
  const others = othersThan(agent, authority);
  // Under separation `solo` the owner may be the one who approves.
  const approvers = rule.approvals - (authority.ledger.separation === 'solo' ? 1 : 0);
  if (others.length >= REVIEWERS + approvers) return;
  throw new BindingError(
    'NO_POLICY',
    'request: expected two persons besides who decides, to review it',
  );
}

/**
 * Whether deputies may decide it: an emergency only where two are left to review it though each approval takes a deputy and
 * the person in whose place they are, and where its review can name them all.
 */
export function isForDeputies(
  authority: AuthorityState,
  { agent, requirement }: Pick<RequestAdmitted, 'agent' | 'requirement'>,
): boolean {
  if (requirement.break_glass === undefined) return true;
  const voices = 2 * requirement.approvals;
  return voices <= QUORUM_MAX && othersThan(agent, authority).length >= REVIEWERS + voices;
}

/** Who is neither the owner of an agent nor the person whose own tool it is. */
function othersThan(agent: Asked['agent'], authority: AuthorityState): readonly string[] {
  return enrolledPersons(authority).filter(
    (person) => person !== agent.owner && person !== agent.person,
  );
}

/** @throws BindingError REVIEW_OVERDUE */
export function assertReviewed({ state, atMs }: Proceeding, type: string): void {
  if (!isEmergencyType(type) || !isReviewOverdue(state.tables, atMs)) return;
  throw new BindingError(
    'REVIEW_OVERDUE',
    'request: expected a review of what ran as BREAK-GLASS before',
  );
}

/** The alarm: everybody who is told of findings hears of it before it can run. */
export function raiseBreakGlass(
  run: Proceeding,
  { action_id, agent, requirement }: RequestAdmitted,
): void {
  if (requirement.break_glass === undefined) return;
  run.write({
    type: 'finding-raised',
    finding: 'BREAK_GLASS',
    about: { action_id, agent: agent.id },
  });
}

export function raiseIfUnreviewed(run: Proceeding, actionId: string): void {
  const record = run.state.action(actionId);
  const dueMs = record && reviewDueMs(record);
  if (record === undefined || dueMs === undefined || dueMs >= run.atMs) return;
  run.write({
    type: 'finding-raised',
    finding: 'BREAK_GLASS_UNREVIEWED',
    about: { action_id: actionId, agent: record.agent },
  });
}
