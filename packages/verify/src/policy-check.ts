import { timestampMs } from '@countersign/canonical';
import {
  BindingError,
  isAuthorityType,
  policyDigest,
  requirementOf,
  ruleFor,
  type ApprovalRule,
  type Policy,
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
    if (evidence.policy !== null) {
      throw new VerifyError('POLICY_MISMATCH', 'expected no policy for a type of the authority');
    }
    log.skip('the bootstrap rule of the ledger, checked with the authority');
    return;
  }
  const rule = ruleFor(namedPolicy(run), type.name);
  if (rule === undefined) {
    throw new VerifyError('NO_POLICY', `expected a rule for ${type.name}`);
  }
  assertRule(rule, run);
  log.ok(`rule ${requirement.rule}: ${requirement.approvals} approvals`);
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
    admission.max_uses <= rule.max_uses &&
    isWithin(admission.decide_by, admission.at, rule.decide_within_s) &&
    isWithin(binding.use_by, binding.at, rule.use_within_s);
  if (!isApplied) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the requirement and the times of the rule');
  }
}

function isWithin(time: string, start: string, seconds: number): boolean {
  return timestampMs(time) <= timestampMs(start) + seconds * 1_000;
}
