import type { ApprovalRule, EntryOf } from '@countersign/binding';

export const WORKS_FROZEN: ReadonlySet<string> = new Set([
  'frozen',
  'thawed',
  'credential-revoked',
  'agent-revoked',
  'executor-revoked',
  'issuer-revoked',
  'deputy-revoked',
  'recovery-started',
  'recovery-cancelled',
]);

export const BY_ANYBODY: ReadonlySet<string> = new Set([
  'authority.freeze',
  'authority.recovery',
  'authority.cancel',
]);

/** schemas/formats/authority.md §11 */
const FREEZE_RULE: ApprovalRule = {
  id: 'freeze',
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 3_600,
  use_within_s: 3_600,
  start_within_s: 60,
  max_uses: 1,
};

const REVIEW_RULE: ApprovalRule = {
  ...FREEZE_RULE,
  id: 'review',
  approvals: 2,
  rationale: 'required',
  decide_within_s: 86_400,
};

export function fixedRules({
  recovery: { quorum },
  bootstrap,
}: EntryOf<'ledger-founded'>): ReadonlyMap<string, ApprovalRule> {
  const fewer = quorum < bootstrap.approvals ? quorum : bootstrap.approvals;
  return new Map([
    ['authority.freeze', FREEZE_RULE],
    ['authority.review', REVIEW_RULE],
    ['authority.recovery', { ...REVIEW_RULE, id: 'recovery', approvals: quorum }],
    ['authority.cancel', { ...REVIEW_RULE, id: 'cancel', approvals: fewer }],
  ]);
}
