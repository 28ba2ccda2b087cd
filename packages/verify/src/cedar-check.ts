import {
  BindingError,
  cedarSentence,
  enrolledPersons,
  isCedarPolicy,
  requirementOf,
  type AuthorityState,
  type CedarSentence,
  type PolicyEngine,
} from '@countersign/binding';
import { DescriptorError, type Action } from '@countersign/descriptors';
import { sameJson } from './same-json.ts';
import type { Verification } from './verification.ts';
import { VerifyError } from './verify-error.ts';

/**
 * Whether the policy comes to what the admission says, by evaluating it again over the authority that the request was
 * admitted under: schemas/formats/policy.md §7.6. Only for a policy in Cedar, and only where the verifier has it.
 */
export function checkCedar(
  action: Action | undefined,
  authority: AuthorityState,
  run: Verification,
): void {
  const { evidence, documents, policyEngine, log } = run;
  const { policy_digest: digest } = evidence.binding.entry;
  const policy = evidence.policy && documents.policy(digest, evidence.policy);
  if (!policy || !isCedarPolicy(policy)) return;
  log.begin('policy in Cedar');
  if (policyEngine === undefined) {
    log.skip('this verifier has no Cedar: which of its rules applies is what the ledger says');
    return;
  }
  if (action === undefined) {
    log.skip('content erased');
    return;
  }
  const { permits, rule, recent } = sentenceOf(action, authority, {
    policy,
    digest,
    policyEngine,
    run,
  });
  const { admission } = evidence;
  const isSo =
    sameJson(requirementOf(rule), admission.entry.requirement) &&
    sameJson(permits, admission.entry.permits ?? null) &&
    sameJson(recent ?? null, admission.entry.recent ?? null);
  if (!isSo) {
    throw new VerifyError('POLICY_MISMATCH', 'expected what the policy comes to for this action');
  }
  log.ok(`evaluated again, with the same answer: ${permits.join(', ')}`);
}

function sentenceOf(
  action: Action,
  authority: AuthorityState,
  {
    policy,
    digest,
    policyEngine,
    run,
  }: Pick<Parameters<typeof cedarSentence>[0], 'policy' | 'digest'> & {
    readonly policyEngine: PolicyEngine;
    readonly run: Verification;
  },
): CedarSentence {
  const { evidence, documents } = run;
  const { agent: named, descriptor_digest: type, excluded } = evidence.binding.entry;
  const { recent: counted } = evidence.admission.entry;
  const agent = authority.get('agent', named.id);
  const descriptor = documents.descriptor(type, evidence.descriptor);
  if (agent === undefined || descriptor === undefined) {
    throw new VerifyError('POLICY_MISMATCH', 'expected the agent and the type of the admission');
  }
  try {
    return cedarSentence({
      ...{ action, agent, descriptor, policy, digest, engine: policyEngine },
      enrolled: enrolledPersons(authority),
      excluded: excluded.map(({ person }) => person),
      // What the log counted is for its replay to say; what the policy made of it is derived.
      ...(counted !== undefined && { recent: counted }),
    });
  } catch (error) {
    if (!(error instanceof BindingError || error instanceof DescriptorError)) throw error;
    throw new VerifyError('POLICY_MISMATCH', error.message, { cause: error });
  }
}
