import type {
  ApprovalRule,
  CedarRule,
  EntryOf,
  PolicyRule,
  RuleInForce,
} from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { hold } from './invariant-broken.ts';

/*
 * Who decides when nobody has, said again by the time of the admission: schemas/formats/policy.md §14.
 */

type Admission = EntryOf<'request-admitted'>;
type Requirement = Admission['requirement'];
type Place = Requirement['approvers'];

/** That it goes on as long after its admission as it says. */
export function assertEscalates({ action_id: id, at, requirement, escalates_at }: Admission): void {
  const { escalation } = requirement;
  const dueMs = escalation && timestampMs(at) + escalation.after_s * 1_000;
  const saidMs = escalates_at === undefined ? undefined : timestampMs(escalates_at);
  hold(dueMs === saidMs, 'RULE', `${id}: goes on at ${escalates_at ?? 'no time'}`);
}

/** That whoever has decided is named by the rule, or is one of those whom it has gone on to. */
export function assertNamed(admission: Admission, person: string, atMs: number): void {
  const { action_id: id, requirement } = admission;
  if (isIn(requirement.approvers, person)) return;
  const isSecond = isIn(requirement.escalation?.approvers, person);
  hold(isSecond, 'RULE', `${id}: decided by somebody whom its rule does not name`);
  hold(isDue(admission, atMs), 'DECIDED_TOO_EARLY', `${id}: before it went on to ${person}`);
}

/** That nobody is sent away who could decide, and who could later is told when. */
export function assertNotNamed(
  admission: Admission,
  { person, from }: EntryOf<'decision-refused'>,
  atMs: number,
): void {
  const { action_id: id, requirement, action_type: type } = admission;
  const { approvers, seats, escalation, member_of: group } = requirement;
  const isSecond = isIn(escalation?.approvers, person) && !isIn(approvers, person);
  const isEarly = isSecond && !isDue(admission, atMs);
  const expected = isEarly ? admission.escalates_at : undefined;
  hold(from === expected, 'WRONG_ANSWER', `${id}: from ${from ?? 'never'}`);
  // Of a change of the authority, of seats, and at a company, more is asked than a name.
  if (seats !== undefined || group !== undefined || type.name.startsWith('authority.')) return;
  const isNamed = isIn(approvers, person) || (isSecond && !isEarly);
  hold(!isNamed, 'WRONG_ANSWER', `${id}: ${person} is named, and was not taken`);
}

/** That a binding tells when each approval was taken, where that is needed to check it. */
export function assertTold(
  { action_id: id, requirement, decisions }: EntryOf<'binding-made'>,
  takenMs: (leaf: string) => number | undefined,
): void {
  if (requirement.escalation === undefined) return;
  const isTold = decisions.every(({ at, leaf }) => timestampMs(at ?? '') === takenMs(leaf));
  hold(isTold, 'RULE', `${id}: approvals at another time`);
}

/** A rule with those whom it names, and goes on to, of all who may decide at all. */
export function namedBy(
  { approvers, escalation, ...rule }: CedarRule,
  may: readonly string[],
): ApprovalRule & Pick<RuleInForce, 'escalation'> {
  const second = may.filter((person) => isIn(listOf(escalation?.approvers), person));
  const goesOn = escalation !== undefined && second.length > 0;
  return {
    ...rule,
    approvers: may.filter((person) => isIn(listOf(approvers), person)),
    ...(goesOn && { escalation: { after_s: escalation.after_s, approvers: second } }),
  };
}

/** Whether a later rule would have let this person decide when they did. */
export function isStillNamed(
  rule: CedarRule | PolicyRule,
  was: Requirement,
  person: string,
): boolean {
  if (isIn(listOf(rule.approvers), person)) return true;
  const hasWaited = isIn(was.escalation?.approvers, person) && !isIn(was.approvers, person);
  const { escalation } = rule;
  const isLater = (escalation?.after_s ?? 0) > (was.escalation?.after_s ?? 0);
  return hasWaited && !isLater && isIn(listOf(escalation?.approvers), person);
}

/** The population's policies name persons, and no groups. */
function listOf(approvers: CedarRule['approvers'] | undefined): Place | undefined {
  const isGroup = typeof approvers === 'object' && 'group' in approvers;
  hold(!isGroup, 'RULE', 'a group that no policy has');
  return approvers;
}

function isIn(place: Place | undefined, person: string): boolean {
  return place === 'any' || place?.includes(person) === true;
}

/** By the time at which it was admitted, whatever it says of when it goes on. */
function isDue({ at, requirement: { escalation } }: Admission, atMs: number): boolean {
  return atMs - timestampMs(at) >= (escalation?.after_s ?? Infinity) * 1_000;
}
