import {
  couldBeOfClass,
  enrolledPersons,
  isCedarPolicy,
  isSshKey,
  type AuthorityState,
  type CredentialMember,
  type Policy,
} from '@countersign/binding';
import { fromBase64url } from '@countersign/canonical';
import { parseSshKey } from '@countersign/human-proof';
import { personsNamedIn } from './policy-case.ts';

type Rule = Policy['rules'][number];

/**
 * Of each rule that too few could meet now, with the keys that are enrolled, and of persons who are named and not there: a ledger
 * accepts it all the same, and then every request under it waits until it expires. Whom separation or Cedar leaves out besides, who
 * stands in for whom, and what seats and groups of the company ask, is not looked at.
 */
export function reachRemarks(policy: Policy, authority: AuthorityState): readonly string[] {
  const enrolled = enrolledPersons(authority);
  const strangers = personsNamedIn(policy).filter((person) => !enrolled.includes(person));
  const unmet = policy.rules.flatMap((rule) => {
    const first = namedBy(rule, policy, 'first');
    const asked = first?.filter((person) => enrolled.includes(person)) ?? enrolled;
    // In Cedar only who is enrolled can be asked at all, and nobody is asked in the place of a first group that is too small.
    if (isCedarPolicy(policy) && asked.length < rule.approvals) {
      return [
        `rule ${rule.id}: ${asked.length} of its approvers are enrolled now, and it needs ${rule.approvals}: each request is NO_POLICY`,
      ];
    }
    const named = namedBy(rule, policy, 'both') ?? enrolled;
    const able = named.filter(
      (person) =>
        enrolled.includes(person) &&
        authority
          .ofKind('credential')
          .some((credential) => credential.person === person && couldCount(credential, rule)),
    );
    if (able.length >= rule.approvals) return [];
    return [
      `rule ${rule.id}: ${able.length} of ${named.length} who may approve have a key that could count now, and it needs ${rule.approvals}`,
    ];
  });
  return [
    ...unmet,
    ...strangers.map(
      (person) => `${person} is named, and has no key: nobody of that name is asked`,
    ),
  ];
}

/** Undefined for anybody. */
function namedBy(
  { approvers, escalation }: Rule,
  policy: Policy,
  which: 'first' | 'both',
): readonly string[] | undefined {
  if (approvers === 'any') return undefined;
  const groups = isCedarPolicy(policy) ? policy.groups : {};
  const isBoth = which === 'both' && escalation !== undefined;
  const lists = [approvers, ...(isBoth ? [escalation.approvers] : [])];
  return [
    ...new Set(lists.flatMap((each) => ('group' in each ? (groups[each.group] ?? []) : each))),
  ];
}

function couldCount(credential: CredentialMember, rule: Rule): boolean {
  if (!couldBeOfClass(credential, rule)) return false;
  if (!isSshKey(credential)) return rule.proof_classes.some((each) => each !== 'possession');
  const isHardware = parseSshKey(fromBase64url(credential.public_key)).application !== undefined;
  return rule.proof_classes.some((each) => (each === 'possession') !== isHardware);
}
