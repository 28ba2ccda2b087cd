import type { Requirement } from '@countersign/binding';
import { span } from './time-words.ts';

/** What a rule asks of a quorum besides its size, a line each: schemas/formats/policy.md §7.7. */
export function quorumWords(
  requirement: Pick<
    Requirement,
    'approvals' | 'seats' | 'ordered' | 'window_s' | 'confirm' | 'member_of' | 'escalation'
  >,
): readonly string[] {
  const {
    approvals,
    seats = [],
    ordered,
    window_s: windowS,
    confirm,
    member_of: group,
    escalation,
  } = requirement;
  const seated = seats.map(({ approvers, count }) => `${count} of ${approvers.join(', ')}`);
  const rest = approvals - seats.reduce((sum, { count }) => sum + count, 0);
  return [
    ...(seated.length === 0
      ? []
      : [...seated, ...(rest > 0 ? [`${rest} of all who may approve`] : [])]),
    ...(ordered === true ? ['in this order'] : []),
    ...(confirm === undefined
      ? []
      : [`each types the last ${confirm.last} of ${confirm.field} to approve`]),
    ...(group === undefined
      ? []
      : [
          `each is in the group ${group.group} of ${group.issuer}, by a sign-in of the last ${span(group.within_s)}`,
        ]),
    ...(windowS === undefined ? [] : [`all of them within ${span(windowS)}`]),
    ...(escalation === undefined
      ? []
      : [
          `if it is still open after ${span(escalation.after_s)}, also ${escalation.approvers.join(', ')}`,
        ]),
  ];
}
