import type { LedgerMember } from './authority-member.ts';
import { DEFAULT_BOOTSTRAP } from './default-policy.ts';
import { FREEZE_TYPE } from './freeze.ts';
import type { ApprovalRule, BootstrapRule } from './policy.ts';
import { CANCEL_TYPE, RECOVERY_TYPE } from './recovery.ts';

/** A type of the authority that the bootstrap rule does not rule. */
interface FixedType {
  /** Undefined: not in this ledger. */
  readonly rule: (ledger: Ruled) => ApprovalRule | undefined;
  /** What an action of this type can do, and no other type can. */
  readonly kinds: readonly string[];
}

type Ruled = Pick<LedgerMember, 'bootstrap' | 'recovery'>;

const FREEZE_RULE: ApprovalRule = { ...DEFAULT_BOOTSTRAP, id: 'freeze' };

const REVIEW_RULE: ApprovalRule = {
  id: 'review',
  approvals: 2,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'required',
  decide_within_s: 86_400,
  use_within_s: 3_600,
  start_within_s: 60,
  max_uses: 1,
};

/** Persons who are verified, whatever else the bootstrap rule asks of their keys: that is what they may have lost. */
function startRule({ recovery }: Ruled): ApprovalRule | undefined {
  return recovery && { ...REVIEW_RULE, id: 'recovery', approvals: recovery.quorum };
}

/** As many as can start one, so that no single key stops it for ever; and never more than the bootstrap rule needs. */
function cancelRule({ bootstrap, recovery }: Ruled): ApprovalRule | undefined {
  if (recovery === undefined) return undefined;
  const approvals = Math.min(recovery.quorum, bootstrap.approvals);
  return { ...REVIEW_RULE, id: 'cancel', approvals };
}

/** Types with a rule of their own: schemas/formats/authority.md §11. */
const FIXED: ReadonlyMap<string, FixedType> = new Map<string, FixedType>([
  // Whoever sees that something is wrong must not have to look for a second person.
  ['authority.freeze', { kinds: ['frozen'], rule: () => FREEZE_RULE }],
  [
    'authority.review',
    {
      kinds: ['reviewed'],
      rule: () => REVIEW_RULE,
    },
  ],
  [RECOVERY_TYPE, { kinds: ['recovery-started'], rule: startRule }],
  [CANCEL_TYPE, { kinds: ['recovery-cancelled'], rule: cancelRule }],
]);

/** The rule of a type of the authority: its own, or the bootstrap rule of the ledger. Undefined: the ledger has no such type. */
export function authorityRule(type: string, ledger: Ruled): BootstrapRule | undefined {
  const fixed = FIXED.get(type);
  return fixed === undefined ? ledger.bootstrap : fixed.rule(ledger);
}

/** Whoever stops everything gains nothing by it, and those who are left after a loss are too few to leave anybody out. */
const EXCLUDES_NOBODY: ReadonlySet<string> = new Set([FREEZE_TYPE, RECOVERY_TYPE, CANCEL_TYPE]);

export function excludesNobody(type: string): boolean {
  return EXCLUDES_NOBODY.has(type);
}

/** A single lost or stolen key could else stop each recovery, and each cancellation of one, by saying no to it. */
const UNDENIABLE: ReadonlySet<string> = new Set([RECOVERY_TYPE, CANCEL_TYPE]);

export function isUndeniable(type: string): boolean {
  return UNDENIABLE.has(type);
}

/** Whether a type can do this. Else one type could be signed for by the rule of another. */
export function isKindOf(type: string, kind: string): boolean {
  const owner = [...FIXED].find(([, { kinds }]) => kinds.includes(kind))?.[0];
  return owner === undefined ? !FIXED.has(type) : owner === type;
}
