import {
  DEFAULT_BOOTSTRAP,
  type ApprovalRule,
  type CedarPolicy,
  type Requirement,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { CaseHead, EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { COMMAND, readyLedger, type Bound, type LedgerForge } from './ledger-forge.ts';
import { file, withDora } from './valid-cases.ts';

const CEDAR = `@id("usual") @rule("usual")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("emergency") @rule("glass")
permit (principal, action == Action::"ask", resource is emergency::command_v1);

@id("night") @rule("soon")
permit (principal, action == Action::"ask", resource is emergency::command_v1);
`;

const USUAL: ApprovalRule = {
  ...DEFAULT_BOOTSTRAP,
  id: 'usual',
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 900,
};
const GLASS = { ...USUAL, id: 'glass', break_glass: { review_within_s: 86_400 } };
const SOON = { ...USUAL, id: 'soon', break_glass: { review_within_s: 3_600 } };
const BOTH = { ...SOON, id: 'glass+soon' };

const PARAMS: JsonObject = {
  ...COMMAND,
  incident: { system: 'siem', id: 'INC-118' },
  reason: 'customers cannot pay',
};

interface Broken {
  readonly type?: string;
  readonly rule?: ApprovalRule & Pick<Requirement, 'break_glass'>;
  readonly permits?: readonly string[];
  /** Of the rule `glass` in the policy. */
  readonly glass?: JsonObject;
}

function policyWith(glass: JsonObject = {}): CedarPolicy {
  const rules = [USUAL, { ...GLASS, ...glass }, SOON];
  return { v: 'countersign.policy.v3', cedar: CEDAR, groups: {}, rules };
}

function brokenBy(ledger: LedgerForge, said: Broken = {}): Bound {
  const { type = 'emergency.command', rule = GLASS, permits = ['emergency'] } = said;
  const params = type === 'emergency.command' ? PARAMS : COMMAND;
  ledger.pretendPolicy(policyWith(said.glass));
  return ledger.bind({ type, params, rule, admission: { permits } }, { approvers: [ledger.bob] });
}

/** A ledger whose persons have set the policy. */
function ready(glass?: JsonObject): LedgerForge {
  const ledger = readyLedger();
  const change = { kind: 'policy-set', policy: policyWith(glass) } as unknown as JsonObject;
  if (glass === undefined) ledger.change(change, { approvers: [ledger.bob] });
  return ledger;
}

/** Evidence of what was bound at once. */
function broken(head: CaseHead, said: Broken = {}): EvidenceCase {
  return {
    ...head,
    make: () => {
      const ledger = ready(said.glass);
      return file(ledger, brokenBy(ledger, said));
    },
  };
}

function reviewOf({ binding }: Bound, ledger: LedgerForge): JsonObject {
  const { entry } = binding;
  return {
    kind: 'reviewed',
    action_id: entry.action_id,
    action_type: entry.action_type.name,
    action_digest: entry.action_digest,
    approvers: [ledger.bob.id],
    concerned: [ledger.alice.id],
    result: 'not-used',
    verdict: 'justified',
    remarks: 'payments were down',
  };
}

interface Review {
  /** Who signs for it, besides Carol. */
  readonly by: (ledger: LedgerForge) => readonly LedgerForge['bob'][];
}

const byDora: Review = { by: carolAndDora };

function carolAndDora(ledger: LedgerForge): readonly LedgerForge['bob'][] {
  return [ledger.carol, withDora(ledger)];
}

/** Evidence of the review itself. */
function review(head: CaseHead, { by }: Review): EvidenceCase {
  return {
    ...head,
    make: () => {
      const ledger = ready();
      const bound = brokenBy(ledger);
      const approvers = by(ledger);
      return file(ledger, ledger.bindChange(reviewOf(bound, ledger), { approvers }));
    },
  };
}

/** Evidence of a command that was bound after the review. */
function reviewedBefore(head: CaseHead, { by }: Review): EvidenceCase {
  return {
    ...head,
    make: (): Promise<EvidenceFile> => {
      const ledger = ready();
      const bound = brokenBy(ledger);
      const approvers = by(ledger);
      ledger.change(reviewOf(bound, ledger), { approvers });
      return file(
        ledger,
        brokenBy(ledger, { type: 'generic.command', rule: USUAL, permits: ['usual'] }),
      );
    },
  };
}

export const BREAK_GLASS_CASES: readonly EvidenceCase[] = [
  broken({ name: 'break-glass', about: 'One person has broken the glass: it is to be reviewed.' }),
  broken(
    {
      name: 'break-glass-joined',
      about: 'Two rules for emergencies are satisfied: the sooner review counts.',
    },
    { rule: BOTH, permits: ['emergency', 'night'] },
  ),
  review(
    {
      name: 'break-glass-review',
      about: 'Two persons who had no part in it have reviewed it: evidence of the review.',
    },
    byDora,
  ),
  reviewedBefore(
    { name: 'break-glass-reviewed', about: 'A review stands in the chain of a later binding.' },
    byDora,
  ),
];

function mismatch(name: string, about: string, said: Broken): EvidenceCase {
  return broken({ name, about, code: 'POLICY_MISMATCH' }, said);
}

/** A type that says it reviews, and makes another change. */
const OTHER_REVIEW: JsonObject = {
  v: 'countersign.descriptor.v1',
  type: 'authority.review',
  type_version: 1,
  title: 'Review',
  reversibility: 'reversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['change'],
    properties: {
      change: {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'id'],
        properties: {
          kind: { const: 'agent-revoked' },
          id: { type: 'string', format: 'identifier', maxLength: 200 },
        },
      },
    },
  },
  fields: {
    '/params/change/kind': { class: 'executed' },
    '/params/change/id': { class: 'executed' },
  },
  template: [
    { label: 'Change', text: [{ field: '/params/change/kind' }] },
    { label: 'Agent', text: [{ field: '/params/change/id' }] },
  ],
  claims: [],
  not_covered: ['Everything else.'],
  executor_contract: {
    interface: 'countersign.ledger.authority.v1',
    preconditions: [],
    record: 'The entry authority-changed',
  },
};

export const FALSE_BREAK_GLASS_CASES: readonly EvidenceCase[] = [
  mismatch('break-glass-left-out', 'The admission leaves out that it is to be reviewed.', {
    rule: { ...USUAL, id: 'glass' },
  }),
  mismatch('break-glass-later', 'The admission leaves more time to review than the rule.', {
    rule: { ...GLASS, break_glass: { review_within_s: 86_401 } },
  }),
  mismatch('break-glass-later-of-two', 'The later of two reviews counts.', {
    rule: { ...GLASS, id: 'glass+soon' },
    permits: ['emergency', 'night'],
  }),
  mismatch('break-glass-usual-rule', 'An emergency is bound by a rule that is for none.', {
    rule: USUAL,
    permits: ['usual'],
  }),
  mismatch('break-glass-usual-action', 'A rule for emergencies binds what is none.', {
    type: 'generic.command',
  }),
  mismatch('break-glass-with-usual', 'A rule for emergencies is joined with a usual one.', {
    rule: { ...GLASS, id: 'glass+usual' },
    permits: ['emergency', 'usual'],
  }),
  // The policy alone, since no chain of an authority could hold it.
  {
    ...mismatch('break-glass-two-uses', 'The policy has a rule for emergencies with two uses.', {
      glass: { max_uses: 2 },
    }),
    level: 'sealed',
  },
  // The policy alone, since no chain of an authority could hold it.
  {
    ...mismatch(
      'break-glass-long',
      'The policy has a rule for emergencies that is used for a day.',
      {
        glass: { use_within_s: 86_400 },
        rule: { ...GLASS, use_within_s: 86_400 },
      },
    ),
    level: 'sealed',
  },
  review(
    {
      name: 'break-glass-review-approver',
      about: 'Who had broken the glass is one of the two who review it.',
      code: 'NOT_ELIGIBLE',
    },
    { by: ({ bob, carol }) => [carol, bob] },
  ),
  reviewedBefore(
    {
      name: 'break-glass-reviewed-by-approver',
      about: 'The same, in the chain of a later binding.',
      code: 'AUTHORITY_CHAIN_INVALID',
    },
    { by: ({ bob, carol }) => [carol, bob] },
  ),
  reviewedBefore(
    {
      name: 'break-glass-reviewed-by-one',
      about: 'One person has reviewed it, in the chain of a later binding.',
      code: 'AUTHORITY_CHAIN_INVALID',
    },
    { by: ({ carol }) => [carol] },
  ),
  {
    name: 'break-glass-review-of-more',
    about: 'The rule of a review has signed for another change of the authority.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: () => {
      const ledger = readyLedger({ descriptor: OTHER_REVIEW });
      const approvers = carolAndDora(ledger);
      const change = { kind: 'agent-revoked', id: 'agent:other/1' };
      ledger.change(change, { approvers, type: 'authority.review' }, ledger.authority);
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    },
  },
];
