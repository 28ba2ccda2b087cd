import {
  DEFAULT_BOOTSTRAP,
  type CedarRule,
  type Policy,
  type RequestAdmitted,
  type RuleInForce,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { CaseHead, EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { later, readyLedger, type BindOptions, type LedgerForge } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

/** A decision is accepted two seconds after its admission. */
const AFTER_S = 2;

const STRANGER = 'prs_7ZZZZZZZZZZZZZZZZZZZZZZZZZ';

const CEDAR = `@id("command") @rule("shift")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("of-deploy") @rule("site")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.params.cwd like "/srv/*" };
`;

const REST = {
  ...DEFAULT_BOOTSTRAP,
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 600,
} as const;

type InForce = Partial<RuleInForce>;

/** Bob decides, and after two seconds Carol does. */
const toCarol = ({ bob, carol }: LedgerForge, afterS = AFTER_S): InForce => ({
  approvers: [bob.id],
  escalation: { after_s: afterS, approvers: [carol.id] },
});

interface Escalated {
  /** What the rules of the policy say besides: that of the command, and one of commands below /srv. */
  readonly rules?: (ledger: LedgerForge) => readonly [Partial<CedarRule>, Partial<CedarRule>?];
  /** What the admission says, in place of the first rule. */
  readonly frozen?: (ledger: LedgerForge) => InForce;
  /** Who has approved: Carol. */
  readonly by?: (ledger: LedgerForge) => Pick<BindOptions, 'approvers' | 'standsFor'>;
  readonly acceptedAt?: BindOptions['acceptedAt'] | 'never';
  readonly admission?: Partial<RequestAdmitted>;
  readonly binding?: BindOptions['binding'];
  readonly change?: (ledger: LedgerForge) => void;
  /** A rule that nobody can set, which was there from the founding on. */
  readonly founded?: Partial<CedarRule>;
  /** A policy in Cedar, and how many of its rules are cited. */
  readonly cedar?: 1 | 2;
}

function policyOf(
  { cedar }: Escalated,
  rules: readonly object[],
  leads: readonly string[] = [STRANGER],
): Policy {
  const [first = {}, second = {}] = rules;
  if (cedar === undefined) {
    const rule = { ...REST, ...first, id: 'shift', types: ['generic.command'] };
    return { v: 'countersign.policy.v1', rules: [rule] };
  }
  return {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: { leads },
    rules: [
      { ...REST, ...first, id: 'shift' },
      { ...REST, ...second, id: 'site' },
    ],
  };
}

/** Evidence of one command that went on to a second group. */
function made(said: Escalated): Promise<EvidenceFile> {
  const { founded } = said;
  const ledger = readyLedger(founded && { policy: policyOf(said, [founded]) });
  const rules = said.rules?.(ledger) ?? [founded ?? toCarol(ledger)];
  if (founded === undefined) {
    const policy = policyOf(said, rules as readonly object[], [ledger.carol.id, ledger.alice.id]);
    const change = { kind: 'policy-set', policy } as unknown as JsonObject;
    ledger.change(change, { approvers: [ledger.bob] });
    ledger.pretendPolicy(policy);
  }
  said.change?.(ledger);
  const frozen = said.frozen?.(ledger) ?? (rules[0] as InForce);
  const rule = { ...REST, ...frozen, id: said.cedar === 2 ? 'shift+site' : 'shift' };
  const permits = said.cedar === 2 ? ['command', 'of-deploy'] : ['command'];
  const { acceptedAt = (_: unknown, at: string): string => at, binding } = said;
  const bound = ledger.bind(
    {
      rule,
      admission: { ...(said.cedar !== undefined && { permits }), ...said.admission },
    },
    {
      approvers: [ledger.carol],
      ...said.by?.(ledger),
      ...(acceptedAt !== 'never' && { acceptedAt }),
      ...(binding !== undefined && { binding }),
    },
  );
  return file(ledger, bound);
}

/** Bob decides first, and then the leads: Alice, whose agent asks, and Carol. */
const toLeads = ({ bob }: LedgerForge, afterS = AFTER_S): Partial<CedarRule> => ({
  approvers: [bob.id],
  escalation: { after_s: afterS, approvers: { group: 'leads' } },
});

const leadsOf = ({ alice, carol }: LedgerForge): readonly string[] => [alice.id, carol.id].sort();

/** Whoever Carol is away for. */
const bobForCarol = {
  change: (ledger: LedgerForge): void => {
    const named = {
      kind: 'deputy-named',
      principal: ledger.carol.id,
      deputy: ledger.bob.id,
      types: ['generic.command'],
      not_before: '2026-11-22T15:00:00.000Z',
      not_after: '2026-11-29T15:00:00.000Z',
    };
    ledger.change(named, { approvers: [ledger.carol] });
  },
  by: ({ bob, carol }: LedgerForge) => ({ approvers: [bob], standsFor: () => carol.id }),
};

const toCarolFromNobody = (ledger: LedgerForge, afterS = AFTER_S): InForce => ({
  ...toCarol(ledger, afterS),
  approvers: [STRANGER],
});

const asRule = (rule: InForce): readonly [Partial<CedarRule>] => [rule];

const byBob = {
  by: ({ bob }: LedgerForge): Pick<BindOptions, 'approvers'> => ({ approvers: [bob] }),
};

/** One goes on to the leads after two seconds, the other one to Carol after one. */
const twoRules: NonNullable<Escalated['rules']> = (ledger) => [toLeads(ledger), toCarol(ledger, 1)];

export const ESCALATION_CASES: readonly EvidenceCase[] = [
  {
    name: 'escalation',
    about: 'Carol has approved in the moment in which it went on to her.',
    make: () => made({}),
  },
  {
    name: 'escalation-not-needed',
    about: 'Bob has approved, whom the rule names, before it went on to Carol.',
    make: () => made({ ...byBob, rules: (ledger) => asRule(toCarol(ledger, 600)) }),
  },
  {
    name: 'escalation-cedar-group',
    about: 'It went on to a group of a policy in Cedar.',
    make: () =>
      made({
        cedar: 1,
        rules: (ledger) => [toLeads(ledger)],
        frozen: (ledger) => ({
          ...toCarol(ledger),
          escalation: { after_s: AFTER_S, approvers: leadsOf(ledger) },
        }),
      }),
  },
  {
    name: 'escalation-cedar-narrowed',
    about: 'The policy in Cedar leaves out one of that group.',
    make: () => made({ cedar: 1, rules: (ledger) => [toLeads(ledger)], frozen: toCarol }),
  },
  {
    name: 'escalation-cedar-nobody',
    about: 'The policy in Cedar leaves out all of that group.',
    make: () =>
      made({
        ...byBob,
        cedar: 1,
        rules: (ledger) => [toLeads(ledger)],
        frozen: ({ bob }) => ({ approvers: [bob.id] }),
      }),
  },
  {
    name: 'escalation-joined',
    about: 'Two rules go on to persons: at the later time, to whom both name.',
    make: () => made({ cedar: 2, rules: twoRules, frozen: toCarol }),
  },
  {
    name: 'escalation-joined-with-none',
    about: 'One of two rules goes on to Carol, whom the other one names at once.',
    make: () =>
      made({
        cedar: 2,
        rules: (ledger) => [toLeads(ledger), { approvers: 'any' }],
        frozen: toCarol,
      }),
  },
  {
    name: 'escalation-deputy',
    about: 'Bob has approved in the place of Carol, once it had gone on to her.',
    make: () => made({ ...bobForCarol, rules: (ledger) => asRule(toCarolFromNobody(ledger)) }),
  },
];

function refused(head: CaseHead, said: Escalated): EvidenceCase {
  return { ...head, make: () => made(said) };
}

function noVoice(name: string, about: string, said: Escalated): EvidenceCase {
  return refused({ name, about, code: 'NOT_ELIGIBLE' }, said);
}

function mismatch(name: string, about: string, said: Escalated): EvidenceCase {
  return refused({ name, about, code: 'POLICY_MISMATCH' }, said);
}

const TO_STRANGER: Partial<CedarRule> = {
  approvers: [STRANGER],
  escalation: { after_s: 60, approvers: [STRANGER] },
};

/** Before anything was asked for. */
const EARLY = '2026-11-22T16:00:00.000Z';

export const FALSE_ESCALATION_CASES: readonly EvidenceCase[] = [
  noVoice('escalation-too-early', 'Carol has approved a second before it went on to her.', {
    rules: (ledger) => asRule(toCarol(ledger, AFTER_S + 1)),
  }),
  noVoice('escalation-untold', 'The binding does not say when Carol has approved.', {
    acceptedAt: 'never',
  }),
  noVoice('escalation-after-binding', 'Carol has approved after the binding was made.', {
    rules: (ledger) => asRule(toCarol(ledger, 60)),
    acceptedAt: (_, at) => later(at, 60),
  }),
  noVoice('escalation-stranger', 'Carol is in neither group.', {
    rules: (ledger) =>
      asRule({ ...toCarol(ledger), escalation: { after_s: AFTER_S, approvers: [STRANGER] } }),
  }),
  refused(
    {
      name: 'escalation-deputy-too-early',
      about: 'Bob has approved in the place of Carol, a second before it went on to her.',
      code: 'DELEGATION_EXCEEDED',
    },
    { ...bobForCarol, rules: (ledger) => asRule(toCarolFromNobody(ledger, AFTER_S + 1)) },
  ),
  refused(
    {
      name: 'escalation-to-owner',
      about: 'It went on to Alice, the owner of the agent, who has approved.',
      code: 'OWNER_APPROVAL',
    },
    {
      rules: ({ alice, bob }) =>
        asRule({
          approvers: [bob.id],
          escalation: { after_s: AFTER_S, approvers: [alice.id] },
        }),
      by: ({ alice }) => ({ approvers: [alice] }),
    },
  ),
  mismatch('escalation-admitted-earlier', 'By its admission it went on before it was there.', {
    rules: (ledger) => asRule(toCarol(ledger, 60)),
    admission: { escalates_at: EARLY },
  }),
  refused(
    {
      name: 'escalation-bound-earlier',
      about: 'By its binding it went on earlier than its admission says.',
      code: 'ADMISSION_MISMATCH',
    },
    {
      rules: (ledger) => asRule(toCarol(ledger, 60)),
      binding: { escalates_at: EARLY },
    },
  ),
  mismatch('escalation-sooner', 'It went on sooner than the rule says.', {
    rules: (ledger) => asRule(toCarol(ledger, 60)),
    frozen: toCarol,
  }),
  mismatch('escalation-invented', 'It went on to Carol by a rule that goes on to nobody.', {
    rules: ({ bob }) => [{ approvers: [bob.id] }],
    frozen: toCarol,
  }),
  mismatch('escalation-to-nobody', 'It went on, and its rule goes on to nobody.', {
    ...byBob,
    rules: ({ bob }) => [{ approvers: [bob.id] }],
    admission: { escalates_at: EARLY },
  }),
  mismatch('escalation-cedar-added', 'It went on to a person whom the group does not have.', {
    cedar: 1,
    rules: (ledger) => [toLeads(ledger)],
    frozen: (ledger) => ({
      ...toCarol(ledger),
      escalation: { after_s: AFTER_S, approvers: [ledger.carol.id, STRANGER] },
    }),
  }),
  mismatch('escalation-joined-sooner', 'Of two rules it went on by the sooner one.', {
    cedar: 2,
    rules: twoRules,
    frozen: (ledger) => toCarol(ledger, 1),
  }),
  mismatch(
    'escalation-joined-by-one',
    'Of two rules one goes on to Carol, and the other one names her not.',
    {
      cedar: 2,
      rules: (ledger) => [toLeads(ledger), { approvers: [ledger.bob.id] }],
      frozen: toCarol,
    },
  ),
  mismatch('escalation-when-over', 'The rule goes on when it is over.', {
    founded: { ...TO_STRANGER, decide_within_s: 60 },
  }),
  mismatch('escalation-beside-any', 'The rule goes on to somebody from anybody.', {
    founded: { ...TO_STRANGER, approvers: 'any' },
  }),
];
