import { DEFAULT_POLICY, type TypePolicy } from '@countersign/binding';
import type { EvidenceCase } from './evidence-case.ts';
import { readyLedger, type ActionOptions } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

function policyOf(assurance: string): TypePolicy {
  const rules = DEFAULT_POLICY.rules.map((rule) => ({ ...rule, assurance }));
  return { ...DEFAULT_POLICY, rules } as unknown as TypePolicy;
}

function assured(
  head: Omit<EvidenceCase, 'make'>,
  assurance: string,
  admission: ActionOptions['admission'] = {},
): EvidenceCase {
  return {
    ...head,
    make: () => {
      const ledger = readyLedger({ policy: policyOf(assurance) });
      return file(ledger, ledger.bind({ admission }, { approvers: [ledger.bob] }));
    },
  };
}

export const ASSURANCE_CASES: readonly EvidenceCase[] = [
  assured(
    {
      name: 'assurance-evidence-only',
      about: 'The policy says that who asks can reach the target without the binding.',
    },
    'evidence-only',
  ),
];

export const FALSE_ASSURANCE_CASES: readonly EvidenceCase[] = [
  assured(
    {
      name: 'assurance-better',
      about: 'The admission and the binding say more of the deployment than the policy does.',
      code: 'POLICY_MISMATCH',
    },
    'evidence-only',
    {
      requirement: {
        rule: 'default',
        approvals: 1,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'required',
        assurance: 'verified',
      },
    },
  ),
  assured(
    {
      name: 'assurance-left-out',
      about: 'The admission and the binding do not say what the policy says of the deployment.',
      code: 'POLICY_MISMATCH',
    },
    'evidence-only',
    {
      requirement: {
        rule: 'default',
        approvals: 1,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'required',
      },
    },
  ),
  assured(
    {
      name: 'assurance-unknown',
      about: 'The policy has a class of assurance that nobody knows.',
      code: 'POLICY_MISMATCH',
    },
    'certified',
    {
      requirement: {
        rule: 'default',
        approvals: 1,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'required',
      },
    },
  ),
];
