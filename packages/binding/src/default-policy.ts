import type { ApprovalRule, TypePolicy } from './policy.ts';

const COMMON_RULE = {
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  start_within_s: 60,
  max_uses: 1,
} as const;

/** One person with a verified passkey, for the first hour of a ledger and for every change of its authority. */
export const DEFAULT_BOOTSTRAP: ApprovalRule = {
  ...COMMON_RULE,
  id: 'bootstrap',
  rationale: 'optional',
  decide_within_s: 3_600,
  use_within_s: 3_600,
};

/** What a new ledger allows: one approver, who says why, within a quarter of an hour. */
export const DEFAULT_POLICY: TypePolicy = {
  v: 'countersign.policy.v1',
  rules: [
    {
      ...COMMON_RULE,
      id: 'default',
      types: [
        'generic.command',
        'generic.tool_call',
        'iam.policy.change',
        'key.rotate',
        'payment.transfer',
        'response.contain',
        'secret.access',
      ],
      rationale: 'required',
      decide_within_s: 900,
      use_within_s: 900,
    },
  ],
};
