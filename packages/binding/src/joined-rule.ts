import { canonicalText } from '@countersign/canonical';
import { batchedType } from '@countersign/descriptors';
import type { ProofClass } from '@countersign/human-proof';
import { joinedAsking } from './asking.ts';
import { soonerReview } from './break-glass.ts';
import { joinedEscalation, type Escalation } from './escalation.ts';
import { jsonOf } from './json-bytes.ts';
import {
  JOINED_RULES_MAX,
  ruleFor,
  ruleOf,
  type ApprovalRule,
  type Assurance,
  type CedarPolicy,
  type RuleExtras,
  type RuleInForce,
  type Requirement,
  type TypePolicy,
} from './policy.ts';
import { isPossible, joinedTerms, seatCount } from './quorum-terms.ts';

const PROOF_CLASSES: readonly ProofClass[] = ['uv', 'up', 'possession'];

/** How many permits of Cedar an admission cites. */
export const PERMITS_MAX = 32;

/**
 * What satisfies all of these rules at once, each its own strictness: schemas/formats/policy.md §7.4. Undefined where
 * nobody could, or where it is none of them or too many.
 */
function joined(rules: readonly RuleInForce[]): RuleInForce | undefined {
  const [first, ...others] = rules;
  if (first === undefined || rules.length > JOINED_RULES_MAX) return undefined;
  // A rule for emergencies together with one that is none: nothing satisfies both.
  if (new Set(rules.map((rule) => rule.break_glass === undefined)).size > 1) return undefined;
  // Which models two lists have in common depends on who vouches for them: none that is named twice is guessed.
  const models = rules.flatMap(({ attested }) => (attested === undefined ? [] : [attested]));
  if (new Set(models.map((each) => canonicalText(jsonOf(each)))).size > 1) return undefined;
  const rule = others.reduce(
    (sum, next): RuleInForce => ({
      ...withoutExtras(sum),
      ...joinedExtras(sum, next),
      id: `${sum.id}+${next.id}`,
      approvals: Math.max(sum.approvals, next.approvals),
      approvers: bothOf(sum.approvers, next.approvers),
      proof_classes: sum.proof_classes.filter((each) => next.proof_classes.includes(each)),
      rationale: sum.rationale === 'required' ? sum.rationale : next.rationale,
      decide_within_s: Math.min(sum.decide_within_s, next.decide_within_s),
      use_within_s: Math.min(sum.use_within_s, next.use_within_s),
      start_within_s: Math.min(sum.start_within_s, next.start_within_s),
      max_uses: Math.min(sum.max_uses, next.max_uses),
    }),
    first,
  );
  const terms = joinedTerms(rules);
  if (terms === undefined) return undefined;
  const quorum = { ...rule, ...terms, approvals: Math.max(rule.approvals, seatCount(terms)) };
  const { approvers, proof_classes: classes } = rule;
  if (classes.length === 0 || !isPossible(quorum)) return undefined;
  const whole = goingOn(quorum, joinedEscalation(rules, quorum));
  return {
    ...whole,
    approvers: approvers === 'any' ? approvers : [...approvers].sort(),
    proof_classes: PROOF_CLASSES.filter((each) => classes.includes(each)),
  };
}

const EXTRAS: ReadonlySet<string> = new Set<keyof RuleInForce>([
  'asking',
  'device_bound',
  'attested',
  'assurance',
  'delegation',
  'break_glass',
]);

function withoutExtras(rule: RuleInForce): ApprovalRule {
  return Object.fromEntries(
    Object.entries(rule).filter(([name]) => !EXTRAS.has(name)),
  ) as unknown as ApprovalRule;
}

/** What no rule states is better than a record alone, and worse than what somebody vouches for. */
const WEAKEST_LAST: readonly (Assurance | undefined)[] = [
  'verified',
  'gateway',
  undefined,
  'evidence-only',
];

function joinedExtras(
  one: RuleInForce,
  other: RuleInForce,
): Pick<RuleInForce, 'asking' | keyof RuleExtras> {
  const ranks = [one, other].map(({ assurance }) => WEAKEST_LAST.indexOf(assurance));
  const assurance = WEAKEST_LAST[Math.max(...ranks)];
  const isBound = one.device_bound === true || other.device_bound === true;
  const attested = one.attested ?? other.attested;
  const break_glass = soonerReview(one.break_glass, other.break_glass);
  const asking = joinedAsking(one.asking, other.asking);
  return {
    ...(asking !== undefined && { asking }),
    ...(isBound && { device_bound: true }),
    ...(attested !== undefined && { attested }),
    ...(assurance !== undefined && { assurance }),
    ...((one.delegation ?? other.delegation) !== undefined && { delegation: 'required' }),
    ...(break_glass !== undefined && { break_glass }),
  };
}

function bothOf(
  one: ApprovalRule['approvers'],
  other: ApprovalRule['approvers'],
): ApprovalRule['approvers'] {
  if (one === 'any') return other;
  return other === 'any' ? one : one.filter((person) => other.includes(person));
}

/** The join of the rules with these ids; undefined where one of them is not in the policy, or there is no join. */
export function joinOf(policy: CedarPolicy, ids: ReadonlySet<string>): RuleInForce | undefined {
  const rules = [...ids].sort().map((id) => {
    const rule = policy.rules.find((each) => each.id === id);
    return rule && ruleOf(policy, rule);
  });
  const known = rules.filter((rule) => rule !== undefined);
  return known.length === rules.length ? joined(known) : undefined;
}

/** What an admission and its binding say of the policy. */
export interface Cited {
  readonly requirement: Requirement;
  /** Ids of the permits of Cedar that were satisfied, in order; absent for another policy. */
  readonly permits?: readonly string[];
}

/**
 * The rule that an admission cites, for whoever has the policy and no Cedar: undefined where the policy does not hold the
 * rules and permits that are cited, or allows other approvers. Whether those permits were satisfied, this cannot tell.
 */
export function citedRule(policy: CedarPolicy, cited: Cited): RuleInForce | undefined {
  const { requirement, permits = [] } = cited;
  const ids = requirement.rule.split('+');
  const rule = isAscending(ids) ? joinOf(policy, new Set(ids)) : undefined;
  const isSaid =
    permits.length > 0 &&
    isAscending(permits) &&
    permits.every((id) => policy.cedar.includes(`@id("${id}")`)) &&
    ids.every((id) => policy.cedar.includes(`@rule("${id}")`));
  if (rule === undefined || !isSaid) return undefined;
  const { approvers, escalation } = requirement;
  const isEnough = approvers === 'any' || approvers.length >= rule.approvals;
  if (!isEnough || !isWithin(approvers, rule.approvers)) return undefined;
  if (!isEscalationWithin(escalation, rule.escalation)) return undefined;
  return goingOn({ ...rule, approvers }, escalation);
}

/** Cedar may leave out some of a second group, or all of it. */
function isEscalationWithin(some: Escalation | undefined, all: Escalation | undefined): boolean {
  if (some === undefined) return true;
  return some.after_s === all?.after_s && isWithin(some.approvers, all.approvers);
}

/** The rule with this escalation in place of its own, or with none. */
function goingOn(rule: RuleInForce, escalation: Escalation | undefined): RuleInForce {
  const bare = Object.fromEntries(
    Object.entries(rule).filter(([name]) => name !== 'escalation'),
  ) as unknown as RuleInForce;
  return escalation === undefined ? bare : { ...bare, escalation };
}

/** Cedar may leave out some of those whom the rules name, and add nobody. */
function isWithin(some: ApprovalRule['approvers'], all: ApprovalRule['approvers']): boolean {
  if (some === 'any') return all === 'any';
  return isAscending(some) && (all === 'any' || some.every((person) => all.includes(person)));
}

function isAscending(ids: readonly string[]): boolean {
  return ids.every((id, index) => index === 0 || (ids[index - 1] ?? '') < id);
}

/**
 * The rule of a type; of a batch, what its own rule and that of its items come to together, so that it is never looser
 * than asking for each alone. Undefined where either has none: schemas/formats/policy.md §9.
 */
export function ruleOfType(policy: TypePolicy, type: string): RuleInForce | undefined {
  const own = ruleFor(policy, type);
  const inner = batchedType(type);
  if (own === undefined || inner === undefined) return own;
  const each = ruleFor(policy, inner);
  if (each === undefined || each === own) return each;
  return joined([own, each].sort((a, b) => (a.id < b.id ? -1 : 1)));
}
