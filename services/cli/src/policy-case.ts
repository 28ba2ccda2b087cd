import {
  BindingError,
  cedarSentence,
  isAuthorityType,
  isCedarPolicy,
  parsePolicy,
  policyDigest,
  ruleOfType,
  type AgentMember,
  type CedarPolicy,
  type Policy,
  type PolicySubject,
  type RuleInForce,
} from '@countersign/binding';
import {
  canonicalBytes,
  CanonicalError,
  isJsonObject,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import {
  BUILTIN_DESCRIPTORS,
  DescriptorError,
  parseAction,
  renderWithDigest,
  type Descriptor,
} from '@countersign/descriptors';
import { keyWords, quorumWords } from '@countersign/console';
import { askingWords } from './asking-words.ts';
import { CliError, cliError } from './cli-error.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

/** Who there is, as far as a policy is asked about it with no ledger at hand. */
export interface CaseParties {
  /** The person accountable for the agent, whom separation `full` excludes. */
  readonly owner?: string;
  readonly operator?: boolean;
  /** Enrolled persons besides those whom the policy names. */
  readonly persons?: readonly string[];
  readonly separation?: 'full' | 'solo';
  /** How many such requests were admitted before, in an hour and in a day. */
  readonly recent?: NonNullable<PolicySubject['recent']>;
}

/** What a policy comes to for one action. */
export type Verdict =
  | { readonly rule: RuleInForce; readonly permits: readonly string[] | undefined }
  | { readonly code: string; readonly message: string };

const ZERO = `sha256:${'0'.repeat(64)}`;
export const NOBODY = 'prs_00000000000000000000000000';

/**
 * An action to ask a policy about: what a request fills in is filled in with nothing that a policy sees.
 *
 * @throws CliError the codes of the ledger, and UNKNOWN_TYPE
 */
export function subjectOf(given: JsonObject, parties: CaseParties): PolicySubject {
  const descriptor = descriptorOf(given);
  const { preconditions, optionalPreconditions } = descriptor.contract;
  const named = typeof given['agent'] === 'object' ? {} : { agent: agentJson('agent') };
  const envelope: JsonObject = {
    v: 'countersign.action.v1',
    tenant: 'example',
    action_id: '01J00000000000000000000000',
    nonce: 'A'.repeat(22),
    type_version: 1,
    ...named,
    acting_for: [],
    executor: { id: 'executor', audience: 'local', descriptor_digest: ZERO },
    preconditions: [...preconditions, ...optionalPreconditions].map((name) => ({
      name,
      digest: ZERO,
    })),
    not_after: '2100-01-01T00:00:00.000Z',
    max_uses: 1,
    ...given,
  };
  try {
    const action = parseAction(canonicalBytes(envelope));
    renderWithDigest(descriptor, action);
    const agent = agentOf(action.envelope.agent.id, parties);
    const { recent } = parties;
    return { action, descriptor, agent, ...(recent !== undefined && { recent }) };
  } catch (error) {
    if (!(error instanceof DescriptorError || error instanceof CanonicalError)) throw error;
    throw new CliError(error.code, `the action: ${error.message}`, { cause: error });
  }
}

function descriptorOf(given: JsonObject): Descriptor {
  const { type = '', type_version: version = 1 } = given;
  const found = BUILTIN_DESCRIPTORS.find(
    (known) => known.type === type && known.typeVersion === version && !isAuthorityType(known.type),
  );
  if (found !== undefined) return found;
  throw new CliError('UNKNOWN_TYPE', '/type: expected an action type that a policy is for');
}

function agentJson(id: string): JsonObject {
  return { id, key_thumbprint: ZERO };
}

function agentOf(id: string, { owner = NOBODY, operator = false }: CaseParties): AgentMember {
  return {
    kind: 'agent',
    id,
    owner,
    operator,
    public_key: '',
    key_thumbprint: `sha256:${'0'.repeat(64)}`,
  };
}

/** Who may decide at all, and who not by separation. */
export interface CaseDeciders {
  readonly enrolled: readonly string[];
  readonly excluded: readonly string[];
}

/** With no ledger at hand: whom the policy names is taken to be enrolled. */
export function decidersFor(
  policy: Policy,
  { agent, action }: PolicySubject,
  parties: CaseParties,
): CaseDeciders {
  const chain = action.envelope.acting_for.filter(({ kind }) => kind === 'person');
  return {
    enrolled: isCedarPolicy(policy) ? enrolledIn(policy, parties) : [],
    excluded: [
      ...chain.map(({ sub }) => sub),
      ...(parties.separation === 'solo' ? [] : [agent.owner]),
    ],
  };
}

/** Everybody whom the policy names, and who else is said to be there. */
function enrolledIn(policy: CedarPolicy, { persons = [] }: CaseParties): readonly string[] {
  return [...new Set<string>([...personsNamedIn(policy), ...persons])].sort();
}

export function personsNamedIn(policy: Policy): readonly string[] {
  const rules: CedarPolicy['rules'] = policy.rules;
  const lists = rules.flatMap(({ approvers, seats = [], escalation }) => [
    approvers,
    ...(escalation === undefined ? [] : [escalation.approvers]),
    ...seats.map((seat) => seat.approvers),
  ]);
  const named = lists.flatMap((each) => (each === 'any' || 'group' in each ? [] : each));
  const grouped = isCedarPolicy(policy) ? Object.values(policy.groups).flat() : [];
  return [...new Set<string>([...grouped, ...named])].sort();
}

export function verdictOf(policy: Policy, subject: PolicySubject, deciders: CaseDeciders): Verdict {
  if (!isCedarPolicy(policy)) {
    const rule = ruleOfType(policy, subject.action.envelope.type);
    if (rule !== undefined) return { rule, permits: undefined };
    return { code: 'NO_POLICY', message: 'no rule for this type' };
  }
  try {
    return cedarSentence({
      ...subject,
      ...{ policy, digest: policyDigest(policy), engine: POLICY_ENGINE },
      ...deciders,
    });
  } catch (error) {
    if (!(error instanceof BindingError || error instanceof DescriptorError)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** What there is to say of it, in words. */
export function verdictLines(verdict: Verdict): readonly string[] {
  if ('code' in verdict) return [`refused   ${verdict.code}: ${verdict.message}`];
  const { rule, permits } = verdict;
  const persons = rule.approvers === 'any' ? 'any enrolled person' : rule.approvers.join(', ');
  return [
    ...(permits === undefined ? [] : [`permits   ${permits.join(', ')}`]),
    `rule      ${rule.id}`,
    `approvals ${rule.approvals}, by ${persons}`,
    ...quorumWords(rule).map((words) => `          ${words}`),
    `proof     ${rule.proof_classes.join(', ')}; rationale ${rule.rationale}`,
    ...keyWords(rule).map((words) => `          ${words}`),
    `times     decide within ${rule.decide_within_s} s, use within ${rule.use_within_s} s, start within ${rule.start_within_s} s`,
    `uses      at most ${rule.max_uses}`,
    ...(rule.asking === undefined ? [] : askingWords(rule.asking)).map(
      (words) => `asked     ${words}`,
    ),
  ];
}

/** What each question came to, for a policy in Cedar: with a forbid, or without a permit, it is why not. */
export function answerLines(policy: Policy, subject: PolicySubject): readonly string[] {
  if (!isCedarPolicy(policy)) return [];
  const open = POLICY_ENGINE.open(policy, policyDigest(policy));
  if (open === undefined) return [];
  const sides = open.readsClaims ? (['without', 'with'] as const) : (['without'] as const);
  return sides.map((claims) => {
    const answer = open.ask(subject, claims);
    const said = `asked ${claims} what the agent claims:`;
    if (answer === undefined) return `${said} a policy failed to evaluate`;
    if (answer.forbids.length > 0) return `${said} forbidden by ${answer.forbids.join(', ')}`;
    const permits = answer.permits.map(({ id, rule }) => `${id} (rule ${rule})`).sort();
    return `${said} ${permits.length === 0 ? 'nothing permits it' : `permitted by ${permits.join(', ')}`}`;
  });
}

/** So that none is left out of what is compared: TypeScript asks for each member that a rule may have. */
const RULE_MEMBERS: Readonly<Record<Exclude<keyof RuleInForce, 'id'>, true>> = {
  approvals: true,
  approvers: true,
  proof_classes: true,
  rationale: true,
  max_uses: true,
  decide_within_s: true,
  use_within_s: true,
  start_within_s: true,
  device_bound: true,
  attested: true,
  assurance: true,
  delegation: true,
  break_glass: true,
  seats: true,
  ordered: true,
  window_s: true,
  confirm: true,
  member_of: true,
  asking: true,
  escalation: true,
};

export const VERDICT_MEMBERS: readonly string[] = [
  'code',
  'rule',
  'permits',
  ...Object.keys(RULE_MEMBERS),
];

/** As plain JSON, for programs and expectations. */
export function verdictJson(verdict: Verdict): Readonly<Record<string, Json>> {
  if ('code' in verdict) return { code: verdict.code };
  const { rule, permits } = verdict;
  const members = Object.entries(rule as unknown as JsonObject);
  return {
    rule: rule.id,
    ...(permits !== undefined && { permits }),
    ...Object.fromEntries(members.filter(([name]) => name in RULE_MEMBERS)),
  };
}

/** The policy as `policy-set` wants it. */
export function policyRequest(policy: Policy): JsonObject {
  const change = { kind: 'policy-set', policy: parsePolicy(policy as unknown as Json) };
  return { type: 'authority.change', params: { change } } as unknown as JsonObject;
}

/** @throws CliError USAGE */
export function objectIn(json: Json | undefined, what: string): JsonObject {
  if (isJsonObject(json)) return json;
  throw cliError('USAGE', `${what}: expected a JSON object`);
}
