import type { LedgerMember } from './authority-member.ts';
import { DEFAULT_BOOTSTRAP } from './default-policy.ts';
import type { ApprovalRule, BootstrapRule } from './policy.ts';

interface FixedType {
  readonly rule: ApprovalRule;
  /** What an action of this type can do, and no other type can. */
  readonly kinds: readonly string[];
}

/** Types of the authority whose rule is the same in every ledger: schemas/formats/authority.md §11. */
const FIXED: ReadonlyMap<string, FixedType> = new Map<string, FixedType>([
  // Whoever sees that something is wrong must not have to look for a second person.
  ['authority.freeze', { kinds: ['frozen'], rule: { ...DEFAULT_BOOTSTRAP, id: 'freeze' } }],
  [
    'authority.review',
    {
      kinds: ['reviewed'],
      rule: {
        id: 'review',
        approvals: 2,
        approvers: 'any',
        proof_classes: ['uv'],
        rationale: 'required',
        decide_within_s: 86_400,
        use_within_s: 3_600,
        start_within_s: 60,
        max_uses: 1,
      },
    },
  ],
]);

/** The rule of a type of the authority: its own, or the bootstrap rule of the ledger. */
export function authorityRule(
  type: string,
  { bootstrap }: Pick<LedgerMember, 'bootstrap'>,
): BootstrapRule {
  return FIXED.get(type)?.rule ?? bootstrap;
}

/** Whether a type can do this. Else one type could be signed for by the rule of another. */
export function isKindOf(type: string, kind: string): boolean {
  const owner = [...FIXED].find(([, { kinds }]) => kinds.includes(kind))?.[0];
  return owner === undefined ? !FIXED.has(type) : owner === type;
}
