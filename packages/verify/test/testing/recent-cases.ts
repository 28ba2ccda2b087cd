import {
  DEFAULT_BOOTSTRAP,
  type ApprovalRule,
  type CedarPolicy,
  type RequestAdmitted,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { readyLedger } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

const CEDAR = `@id("few") @rule("one-person")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.recent.count_24h < 3 };

@id("many") @rule("two-persons")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.recent.count_24h >= 3 };
`;

const REST: ApprovalRule = {
  ...DEFAULT_BOOTSTRAP,
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 900,
};
const ONE: ApprovalRule = { ...REST, id: 'one-person' };
const TWO: ApprovalRule = { ...REST, id: 'two-persons', approvals: 2 };

const POLICY: CedarPolicy = {
  v: 'countersign.policy.v3',
  cedar: CEDAR,
  groups: {},
  rules: [ONE, TWO],
};

function counted(
  rule: ApprovalRule,
  { permits, recent }: Pick<RequestAdmitted, 'permits' | 'recent'>,
): Promise<EvidenceFile> {
  const ledger = readyLedger();
  const change = { kind: 'policy-set', policy: POLICY } as unknown as JsonObject;
  ledger.change(change, { approvers: [ledger.bob] });
  ledger.pretendPolicy(POLICY);
  const bound = ledger.bind(
    {
      rule,
      admission: {
        ...(permits !== undefined && { permits }),
        ...(recent !== undefined && { recent }),
      },
    },
    { approvers: rule === ONE ? [ledger.bob] : [ledger.bob, ledger.carol] },
  );
  return file(ledger, bound);
}

const few = (count: number): Pick<RequestAdmitted, 'permits' | 'recent'> => ({
  permits: ['few'],
  recent: { count_1h: 0, count_24h: count },
});

export const RECENT_CASES: readonly EvidenceCase[] = [
  {
    name: 'recent-few',
    about: 'The third request of a day, under a policy that counts.',
    make: () => counted(ONE, few(2)),
  },
  {
    name: 'recent-escalated',
    about: 'The fourth request of a day, for which the policy asks for a second person.',
    make: () => counted(TWO, { permits: ['many'], recent: { count_1h: 3, count_24h: 3 } }),
  },
];

/** What only a verifier with Cedar can tell. */
export const FALSE_RECENT_CASES: readonly EvidenceCase[] = [
  {
    name: 'recent-not-escalated',
    about: 'The rule for few, beside a count for which the policy has the one for many.',
    make: () => counted(ONE, few(3)),
  },
  {
    name: 'recent-not-counted',
    about: 'No count, under a policy that looks at one.',
    make: () => counted(ONE, { permits: ['few'] }),
  },
];

export const BROKEN_RECENT_CASES: readonly EvidenceCase[] = [
  {
    name: 'recent-without-cedar',
    about: 'A count in an admission whose policy cannot look at one.',
    code: 'POLICY_MISMATCH',
    make: () => {
      const ledger = readyLedger();
      const recent = { count_1h: 0, count_24h: 0 };
      const bound = ledger.bind({ admission: { recent } }, { approvers: [ledger.bob] });
      return file(ledger, bound);
    },
  },
];
