import { timestampMs, type Json } from '@countersign/canonical';
import {
  BindingError,
  citedRule,
  escalationTime,
  isAuthorityType,
  isCedarPolicy,
  isEmergencyType,
  isKindOf,
  partiesTo,
  policyDigest,
  requirementOf,
  ruleOfType,
  type ApprovalRule,
  type BindingMade,
  type CedarPolicy,
  type Policy,
  type TypePolicy,
} from '@countersign/binding';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/**
 * Step 9 of schemas/formats/evidence.md §5: what was needed is what the policy of the admission asks for. Types of
 * the authority itself have no policy; their rule is in genesis, or their own (`assertOwnRule`).
 */
export function checkPolicy(run: Verification): void {
  const { evidence, log } = run;
  const { action_type: type, requirement } = evidence.binding.entry;
  log.begin('policy');
  if (isAuthorityType(type.name)) {
    assertNoPermits(run);
    if (evidence.policy !== null) {
      throw new VerifyError('POLICY_MISMATCH', 'expected no policy for a type of the authority');
    }
    log.skip('the bootstrap rule of the ledger, checked with the authority');
    return;
  }
  const policy = namedPolicy(run);
  const rule = isCedarPolicy(policy) ? ruleCited(policy, run) : ruleHere(policy, run);
  if (isEmergencyType(type.name) !== (requirement.break_glass !== undefined)) {
    throw new VerifyError('POLICY_MISMATCH', 'expected break_glass for an emergency alone');
  }
  assertRule(rule, run);
  const said = `rule ${requirement.rule}: ${requirement.approvals} approvals`;
  log.ok(isCedarPolicy(policy) ? `${said}; its Cedar was not evaluated for it here` : said);
}

function ruleHere(policy: TypePolicy, run: Verification): ApprovalRule {
  assertNoPermits(run);
  const { name } = run.evidence.binding.entry.action_type;
  const rule = ruleOfType(policy, name);
  if (rule === undefined) throw new VerifyError('NO_POLICY', `expected a rule for ${name}`);
  return rule;
}

/** Without Cedar: that the policy has what is cited, and what was needed is what that comes to. */
function ruleCited(policy: CedarPolicy, { evidence }: Verification): ApprovalRule {
  const rule = citedRule(policy, evidence.admission.entry);
  if (rule !== undefined) return rule;
  throw new VerifyError('POLICY_MISMATCH', 'expected rules, permits and approvers of the policy');
}

/** Only a policy in Cedar has permits to cite. */
function assertNoPermits({ evidence }: Verification): void {
  const { permits, recent } = evidence.admission.entry;
  if (permits === undefined && recent === undefined) return;
  throw new VerifyError('POLICY_MISMATCH', 'expected no permits, for the policy has none');
}

/** The rule for changes of the authority, which only the verified authority can tell. */
export function assertOwnRule(rule: ApprovalRule | undefined, run: Verification): void {
  const { evidence, documents } = run;
  const { entry } = evidence.binding;
  if (rule === undefined || policyDigest(rule) !== entry.policy_digest) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the rule of its type in this ledger');
  }
  assertRule(rule, run);
  const { action } = evidence.content;
  assertApart(entry, action === null ? null : documents.action(action).envelope.params['change']);
}

/** A type makes the changes that it is for; who had a part in what is reviewed does not review it, and nobody recovers themselves. */
export function assertApart(
  { decisions, action_type: type }: BindingMade,
  change: Json | undefined,
): void {
  const { kind } = Object(change) as { readonly kind?: unknown };
  if (!isKindOf(type.name, String(kind))) {
    throw new VerifyError('POLICY_MISMATCH', 'expected a change that its type makes');
  }
  const parties = partiesTo(change);
  if (decisions.some(({ person }) => parties.includes(person))) {
    throw new VerifyError('NOT_ELIGIBLE', 'expected persons who had no part in it');
  }
}

function namedPolicy({ evidence, documents }: Verification): Policy {
  const policy = evidence.policy === null ? undefined : read(evidence.policy);
  if (policy === undefined) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the policy that the admission holds');
  }
  return policy;

  function read(document: NonNullable<typeof evidence.policy>): Policy | undefined {
    try {
      return documents.policy(evidence.binding.entry.policy_digest, document);
    } catch (error) {
      if (!(error instanceof BindingError)) throw error;
      throw new VerifyError('POLICY_MISMATCH', error.message, { cause: error });
    }
  }
}

function assertRule(rule: ApprovalRule, { evidence }: Verification): void {
  const admission = evidence.admission.entry;
  const binding = evidence.binding.entry;
  const { escalation } = admission.requirement;
  const isApplied =
    sameJson(requirementOf(rule), admission.requirement) &&
    admission.escalates_at ===
      (escalation && escalationTime(escalation, timestampMs(admission.at))) &&
    admission.use_within_s === rule.use_within_s &&
    admission.start_within_s === rule.start_within_s &&
    admission.max_uses <= (admission.batch?.count ?? rule.max_uses) &&
    isWithin(admission.decide_by, admission.at, rule.decide_within_s) &&
    isWithin(binding.use_by, binding.at, rule.use_within_s);
  if (!isApplied) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the requirement and the times of the rule');
  }
}

function isWithin(time: string, start: string, seconds: number): boolean {
  return timestampMs(time) <= timestampMs(start) + seconds * 1_000;
}
