import type { ActionRecord } from './action-record.ts';
import { liveApprovals, recordVoice } from './bind.ts';
import { isForDeputies } from './decide-break-glass.ts';
import type { Verdict } from './decision-statement.ts';
import { deputyEndMs, principalsOf } from './deputy.ts';
import { eligibleFrom, quorumAt } from './escalation.ts';
import type { Proceeding } from './proceeding.ts';
import type { RequestAdmitted } from './request-entry.ts';
import { isFor } from './seat-matching.ts';
import { mayApprove, refusalOfPlace } from './seating.ts';

interface Deciding {
  readonly person: string;
  readonly verdict: Verdict;
}

/**
 * In whose place somebody decides about an open request whom its rule does not name: of those whose deputy they are, the first
 * whose seat is free, else the first. Undefined for who decides for themselves, and for who decides for nobody. A deputy of a
 * deputy is nobody's, since a place is only in the rule. schemas/formats/policy.md §7.10
 */
export function principalOf(
  run: Proceeding,
  record: ActionRecord,
  { person, verdict }: Deciding,
): string | undefined {
  const { open, type } = record;
  const { authority, rules } = run.state;
  if (rules < 2 || open === undefined) return undefined;
  const now = quorumAt(open, run.atMs);
  if (mayApprove(now, person)) return undefined;
  if (!isForDeputies(authority, open)) return undefined;
  const principals = principalsOf(authority, person).filter(
    (each) =>
      mayApprove(now, each) &&
      // Whoever asks cannot approve through somebody else either.
      !open.excluded.some((excluded) => excluded.person === each) &&
      deputyEndMs(authority, { person, for: each, type }, run.atMs) !== undefined,
  );
  if (principals.length < 2) return principals[0];
  const taken = liveApprovals(run, record).map(recordVoice);
  const isFree = (each: string): boolean =>
    !taken.includes(each) && refusalOfPlace(open, { person: each, verdict }, taken) === undefined;
  return principals.find(isFree) ?? principals[0];
}

/** Why somebody may not decide who is not named by the rule, and for whom they would decide is nobody either. */
export function refusalOfRight(
  run: Proceeding,
  open: RequestAdmitted,
  person: string,
): 'NOT_ELIGIBLE' | 'DELEGATION_EXCEEDED' | undefined {
  const { authority, rules } = run.state;
  if (mayApprove(quorumAt(open, run.atMs), person)) return undefined;
  if (eligibleFrom(open, person, run.atMs) !== undefined) return 'NOT_ELIGIBLE';
  if (rules > 1 && principalsOf(authority, person).length > 0) return 'DELEGATION_EXCEEDED';
  // Who is an approver and has no seat is told so when the seats are looked at.
  const { approvers } = open.requirement;
  return isFor(approvers, person) ? undefined : 'NOT_ELIGIBLE';
}
