import { timestampMs } from '@countersign/canonical';
import {
  BindingError,
  citedRule,
  isAuthorityType,
  isCedarPolicy,
  policyDigest,
  requirementOf,
  ruleOfType,
  type ApprovalRule,
  type CedarPolicy,
  type Policy,
  type TypePolicy,
} from '@countersign/binding';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/**
 * Step 9 of schemas/formats/evidence.md §5: what was needed is what the policy of the admission asks for. Types of
 * the authority itself have no policy; their rule is in genesis (`assertBootstrap`).
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
export function assertBootstrap(bootstrap: ApprovalRule, run: Verification): void {
  if (policyDigest(bootstrap) !== run.evidence.binding.entry.policy_digest) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the bootstrap rule of this ledger');
  }
  assertRule(bootstrap, run);
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
  const isApplied =
    sameJson(requirementOf(rule), admission.requirement) &&
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
