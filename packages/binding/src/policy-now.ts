import { canonicalText, digestOf, type Digest } from '@countersign/canonical';
import { isLonger } from './confirmation.ts';
import { isStillEscalated } from './escalation.ts';
import { jsonOf } from './json-bytes.ts';
import { joinOf, ruleOfType } from './joined-rule.ts';
import {
  isAuthorityType,
  isCedarPolicy,
  type CedarPolicy,
  type Policy,
  type Requirement,
  type RuleInForce,
} from './policy.ts';
import { isOtherGroup } from './company-group.ts';
import { isFor } from './seat-matching.ts';
import { seatingOf } from './quorum-terms.ts';
import type { RequestAdmitted } from './request-entry.ts';
import type { RulesVersion } from './rules-version.ts';

/** What an action was admitted by, kept to hold it against the policy of a later time: schemas/formats/policy.md §12. */
export interface Ruled {
  /** Digest of the policy. */
  readonly policy: Digest;
  readonly requirement: Requirement;
  /** Of a policy in Cedar: digest of what decides which of its rules apply. */
  readonly cedar?: Digest;
  /** Thumbprint of the key that its agent had. */
  readonly agent_key: Digest;
}

/** Absent by rules 1, and for what no policy rules. */
export function ruledBy(
  entry: RequestAdmitted,
  { policy, rules }: { readonly policy: Policy; readonly rules: RulesVersion },
): Ruled | undefined {
  if (rules < 2 || isAuthorityType(entry.action_type.name)) return undefined;
  return {
    policy: entry.policy_digest,
    requirement: entry.requirement,
    ...(isCedarPolicy(policy) && { cedar: cedarDigest(policy) }),
    agent_key: entry.agent.key_thumbprint,
  };
}

/** Which permits are satisfied follows from the text, and from the groups where it names any: nothing else of a policy. */
function cedarDigest({ cedar, groups }: CedarPolicy): Digest {
  const named = cedar.includes('Group') ? groups : {};
  return digestOf('countersign/state/v1', jsonOf({ cedar, groups: named }));
}

/**
 * Whether less was asked of an action than the policy asks now. Without its content a policy in Cedar cannot be evaluated
 * again: where that could come to another answer, it is taken to be stricter.
 */
export function isStricterNow(
  policy: Policy,
  bound: {
    readonly type: string;
    readonly ruled: Ruled;
    readonly approvers: readonly string[];
    readonly uses: number;
  },
): boolean {
  const { ruled, approvers, uses } = bound;
  const now = ruleNow(policy, bound);
  if (now === undefined || uses >= now.max_uses) return true;
  const { requirement: was } = ruled;
  const isAllowed =
    approvers.length >= now.approvals &&
    approvers.every(
      (person) => isFor(now.approvers, person) || isStillEscalated(now, was, person),
    ) &&
    was.proof_classes.every((each) => now.proof_classes.includes(each));
  return !isAllowed || asksMore(now, was);
}

function asksMore(now: RuleInForce, was: Requirement): boolean {
  return (
    (now.rationale === 'required' && was.rationale !== 'required') ||
    (now.device_bound === true && was.device_bound !== true) ||
    hasOtherModels(now.attested, was.attested) ||
    (now.delegation !== undefined && was.delegation === undefined) ||
    (now.break_glass !== undefined && was.break_glass === undefined) ||
    isLonger(now.confirm, was.confirm) ||
    isOtherGroup(now.member_of, was.member_of) ||
    hasOtherSeats(now, was)
  );
}

/** Another list may be the stricter one, and none is not. */
function hasOtherModels(now: Requirement['attested'], was: Requirement['attested']): boolean {
  return now !== undefined && (!was || canonicalText(jsonOf(now)) !== canonicalText(jsonOf(was)));
}

/** Which of two ways to seat people is the stricter one nobody could tell: another one is, and none is not. */
function hasOtherSeats(now: RuleInForce, was: Requirement): boolean {
  const terms = seatingOf(now);
  if (Object.keys(terms).length === 0) return false;
  return canonicalText(jsonOf(terms)) !== canonicalText(jsonOf(seatingOf(was)));
}

function ruleNow(
  policy: Policy,
  { type, ruled }: { readonly type: string; readonly ruled: Ruled },
): RuleInForce | undefined {
  if (!isCedarPolicy(policy)) return ruleOfType(policy, type);
  if (ruled.cedar !== cedarDigest(policy)) return undefined;
  return joinOf(policy, new Set(ruled.requirement.rule.split('+')));
}
