import {
  DEFAULT_BOOTSTRAP,
  type ApprovalRule,
  type CedarPolicy,
  type RequestAdmitted,
} from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import type { EvidenceCase, EvidenceFile } from './evidence-case.ts';
import { readyLedger, type LedgerForge } from './ledger-forge.ts';
import { file } from './valid-cases.ts';

const CEDAR = `@id("any-command") @rule("one-person")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("of-deploy") @rule("two-of-ops")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.params.cwd like "/srv/*" };

@id("by-hand")
forbid (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.params.executable.path == "/bin/sh" };
`;

interface Ready {
  readonly ledger: LedgerForge;
  readonly policy: CedarPolicy;
  /** What the policy comes to for a command under /srv. */
  readonly joined: ApprovalRule;
  readonly single: ApprovalRule;
}

/** A ledger whose persons have set a policy in Cedar. */
function ready(): Ready {
  const ledger = readyLedger();
  const rest: ApprovalRule = {
    ...DEFAULT_BOOTSTRAP,
    rationale: 'required',
    decide_within_s: 900,
    use_within_s: 900,
  };
  const single: ApprovalRule = { ...rest, id: 'one-person' };
  const group = [ledger.bob.id, ledger.carol.id].sort();
  const pair = { ...rest, id: 'two-of-ops', approvals: 2, use_within_s: 600 };
  const policy: CedarPolicy = {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: { ops: group },
    rules: [single, { ...pair, approvers: { group: 'ops' } }],
  };
  const change = { kind: 'policy-set', policy } as unknown as JsonObject;
  ledger.change(change, { approvers: [ledger.bob] });
  ledger.pretendPolicy(policy);
  const joined = { ...pair, id: 'one-person+two-of-ops', approvers: group };
  return { ledger, policy, joined, single };
}

interface Said {
  readonly rule?: (ready: Ready) => ApprovalRule;
  readonly admission?: Partial<RequestAdmitted>;
  readonly cwd?: string;
  readonly approvers?: (ledger: LedgerForge) => readonly LedgerForge['bob'][];
}

const BOTH = ['any-command', 'of-deploy'];

function commanded(said: Said = {}): Promise<EvidenceFile> {
  const all = ready();
  const { ledger } = all;
  const { rule = (at: Ready): ApprovalRule => at.joined, admission, cwd = '/srv/app' } = said;
  const params = { ...(ledger.envelope()['params'] as JsonObject), cwd };
  const bound = ledger.bind(
    { params, rule: rule(all), admission: { permits: BOTH, ...admission } },
    { approvers: said.approvers?.(ledger) ?? [ledger.bob, ledger.carol] },
  );
  return file(ledger, bound);
}

function personsIn({ approvers }: ApprovalRule): readonly string[] {
  return approvers === 'any' ? [] : approvers;
}

const onlyBob = { approvers: (ledger: LedgerForge) => [ledger.bob] };

export const CEDAR_CASES: readonly EvidenceCase[] = [
  {
    name: 'cedar-joined',
    about:
      'Two permits of a policy in Cedar are satisfied: what was needed is the join of their rules.',
    make: () => commanded(),
  },
  {
    name: 'cedar-single',
    about: 'One permit of a policy in Cedar is satisfied.',
    make: () =>
      commanded({
        ...onlyBob,
        cwd: '/tmp',
        rule: ({ single }) => single,
        admission: { permits: ['any-command'] },
      }),
  },
];

function mismatch(name: string, about: string, said: Said): EvidenceCase {
  return { name, about, code: 'POLICY_MISMATCH', make: () => commanded(said) };
}

export const BROKEN_CEDAR_CASES: readonly EvidenceCase[] = [
  mismatch(
    'cedar-fewer-approvals',
    'The admission asks for one approval where a rule that it cites asks for two.',
    {
      ...onlyBob,
      rule: ({ joined }) => ({ ...joined, approvals: 1 }),
    },
  ),
  mismatch(
    'cedar-longer',
    'The binding may be used for as long as the laxer of the two rules allows.',
    {
      rule: ({ joined }) => ({ ...joined, use_within_s: 900 }),
    },
  ),
  mismatch(
    'cedar-any-approver',
    'The admission lets everybody decide where a rule that it cites names a group.',
    {
      rule: ({ joined }) => ({ ...joined, approvers: 'any' }),
    },
  ),
  mismatch('cedar-stranger-added', 'The admission adds a person to those whom the rules name.', {
    rule: ({ joined }) => ({
      ...joined,
      approvers: [...personsIn(joined), 'prs_7ZZZZZZZZZZZZZZZZZZZZZZZZZ'].sort(),
    }),
  }),
  mismatch('cedar-rule-unknown', 'The admission cites a rule that the policy does not have.', {
    rule: ({ joined }) => ({ ...joined, id: 'one-person+three-of-ops' }),
  }),
  mismatch('cedar-rules-unordered', 'The admission cites the rules in another order.', {
    rule: ({ joined }) => ({ ...joined, id: 'two-of-ops+one-person' }),
  }),
  mismatch('cedar-permit-unknown', 'The admission cites a permit that the policy does not have.', {
    admission: { permits: ['any-command', 'of-nobody'] },
  }),
  mismatch('cedar-permits-unordered', 'The admission cites the permits in another order.', {
    admission: { permits: ['of-deploy', 'any-command'] },
  }),
  {
    name: 'cedar-no-permits',
    about: 'The admission cites no permit of the policy in Cedar.',
    code: 'POLICY_MISMATCH',
    make: () => {
      const all = ready();
      const { ledger } = all;
      const bound = ledger.bind({ rule: all.single }, { approvers: [ledger.bob] });
      return file(ledger, bound);
    },
  },
  {
    name: 'permits-without-cedar',
    about: 'The admission cites permits where the policy is of types alone.',
    code: 'POLICY_MISMATCH',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({ admission: { permits: ['any'] } }, { approvers: [ledger.bob] });
      return file(ledger, bound);
    },
  },
];

/** VALID by plain means, and not what the policy comes to: only who evaluates Cedar sees it. */
export const FALSE_CEDAR_CASES: readonly EvidenceCase[] = [
  mismatch('the laxer of two rules that apply', 'cites one permit, where two are satisfied', {
    ...onlyBob,
    rule: ({ single }) => single,
    admission: { permits: ['any-command'] },
  }),
  mismatch('a rule that does not apply', 'cites a permit that is not satisfied', { cwd: '/tmp' }),
  mismatch('an approver left out', 'leaves one of the group out, for no reason in the policy', {
    ...onlyBob,
    cwd: '/tmp',
    rule: ({ single, ledger }) => ({ ...single, approvers: [ledger.bob.id] }),
    admission: { permits: ['any-command'] },
  }),
];
