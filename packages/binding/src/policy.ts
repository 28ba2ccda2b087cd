import { digestOf, type Digest, type Json } from '@countersign/canonical';
import type { ProofClass } from '@countersign/human-proof';
import { asking, type Asking } from './asking.ts';
import { attestedBy, type AttestedBy } from './attested-model.ts';
import { BindingError } from './binding-error.ts';
import { assertShort, breakGlass, type BreakGlass } from './break-glass.ts';
import { assertEscalation, escalationTo, type Escalating } from './escalation.ts';
import { RULE_ID, ruleId } from './field-shape.ts';
import { jsonOf } from './json-bytes.ts';
import {
  assertDistinct,
  group,
  groups,
  isGroup,
  namedPersons,
  persons,
  personsOf,
  unknownGroup,
  type Groups,
  type NamedPersons,
} from './named-persons.ts';
import {
  APPROVERS_MAX,
  QUORUM_MAX,
  assertQuorum,
  onlyTrue,
  quorumTerms,
  quorumTermsOf,
  seatsOf,
  type QuorumTerms,
} from './quorum-terms.ts';
import {
  either,
  integer,
  invalid,
  list,
  matching,
  object,
  oneOf,
  optional,
  tag,
  text,
  variant,
  type Shape,
} from './shape.ts';

/** What it takes to bind an action, and for how long: schemas/formats/policy.md §2. */
export interface ApprovalRule {
  readonly id: string;
  /** How many distinct persons. */
  readonly approvals: number;
  readonly approvers: 'any' | readonly string[];
  readonly proof_classes: readonly ProofClass[];
  readonly rationale: 'required' | 'optional';
  readonly decide_within_s: number;
  readonly use_within_s: number;
  readonly start_within_s: number;
  readonly max_uses: number;
}

/** From whom an action of a rule keeps its target, weakest last: schemas/formats/policy.md §6. */
const ASSURANCES = ['verified', 'gateway', 'evidence-only'] as const;

export type Assurance = (typeof ASSURANCES)[number];

export function isAssurance(json: Json | undefined): json is Assurance {
  return ASSURANCES.some((known) => known === json);
}

/** What a rule of a policy may say beyond what every rule says. */
export interface RuleExtras {
  /** Whether only keys decide that do not leave their device: schemas/formats/policy.md §5. */
  readonly device_bound?: true;
  /** Which models of keys count: schemas/formats/policy.md §15. */
  readonly attested?: readonly AttestedBy[];
  readonly assurance?: Assurance;
  /** Of version 3: whether the agent has to show on whose behalf it acts. */
  readonly delegation?: 'required';
  /** Of rules for emergencies alone, in a policy of version 3: schemas/formats/policy.md §11. */
  readonly break_glass?: BreakGlass;
}

/** What a rule of a policy says of asking, and no requirement: it is over once there is an admission. */
interface RuleLimits {
  readonly asking?: Asking;
}

/** For changes of the authority: schemas/formats/policy.md §4. */
export interface BootstrapRule extends ApprovalRule, Pick<RuleExtras, 'device_bound'> {}

/** A rule as an action falls under it. */
export interface RuleInForce
  extends ApprovalRule, RuleExtras, RuleLimits, QuorumTerms, Escalating {}

export interface PolicyRule
  extends ApprovalRule, RuleLimits, Escalating, Omit<RuleExtras, 'delegation' | 'break_glass'> {
  /** Names of action types. */
  readonly types: readonly string[];
}

export interface TypePolicy {
  /** Version 2 where a rule accepts `possession`, and version 1 everywhere else. */
  readonly v: 'countersign.policy.v1' | 'countersign.policy.v2';
  readonly rules: readonly PolicyRule[];
}

export interface CedarRule
  extends
    Omit<ApprovalRule, 'approvers'>,
    RuleExtras,
    RuleLimits,
    Escalating<NamedPersons>,
    Omit<QuorumTerms, 'seats'> {
  readonly approvers: 'any' | NamedPersons;
  readonly seats?: readonly { readonly approvers: NamedPersons; readonly count: number }[];
}

/** Which rules an action needs, and who may decide, is said in Cedar: schemas/formats/policy.md §7. */
export interface CedarPolicy {
  readonly v: 'countersign.policy.v3';
  readonly cedar: string;
  readonly groups: Groups;
  readonly rules: readonly CedarRule[];
}

export type Policy = TypePolicy | CedarPolicy;

/** What an admission freezes of its rule. */
export interface Requirement extends RuleExtras, QuorumTerms, Escalating {
  /** The id of a rule, or those of several in order with `+` between them. */
  readonly rule: string;
  readonly approvals: number;
  readonly approvers: 'any' | readonly string[];
  readonly proof_classes: readonly ProofClass[];
  readonly rationale: 'required' | 'optional';
}

export { APPROVERS_MAX, QUORUM_MAX };
const RULES_MAX = 100;
const TYPES_MAX = 100;
const DECIDE_WITHIN_MIN_S = 10;
const WITHIN_MAX_S = 2_592_000;
const START_WITHIN_MAX_S = 3_600;
const USES_MAX = 100;

/** More rules at once than anybody could follow; so a requirement stays small beside its proofs. */
export const JOINED_RULES_MAX = 16;
/** As many as an action may have bytes, which a policy is set by. */
const CEDAR_CHARACTERS_MAX = 32_768;
const ruleIds: Shape<string> = matching(
  new RegExp(`^${RULE_ID}(?:\\+${RULE_ID}){0,${JOINED_RULES_MAX - 1}}$`),
  `1 to ${JOINED_RULES_MAX} rule ids with + between them`,
);

export const typeName: Shape<string> = matching(
  /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/,
  'a type name',
);

const isAny = (json: Json): boolean => json === 'any';

export const approvers: Shape<'any' | readonly string[]> = either(isAny, oneOf('any'), persons);

const ruleMembers = {
  id: ruleId,
  approvals: integer(1, QUORUM_MAX),
  approvers,
  proof_classes: list(oneOf('uv', 'up'), { min: 1, max: 2 }),
  rationale: oneOf('required', 'optional'),
  decide_within_s: integer(DECIDE_WITHIN_MIN_S, WITHIN_MAX_S),
  use_within_s: integer(1, WITHIN_MAX_S),
  start_within_s: integer(1, START_WITHIN_MAX_S),
  max_uses: integer(1, USES_MAX),
};

const anyProofClasses: Shape<readonly ProofClass[]> = list(oneOf('uv', 'up', 'possession'), {
  min: 1,
  max: 3,
});

/** The bootstrap rule never accepts possession: who may decide is not for a program with a key file to change. */
const bareRule: Shape<BootstrapRule> = object<BootstrapRule>({
  ...ruleMembers,
  device_bound: optional(onlyTrue),
});

const extras = {
  device_bound: optional(onlyTrue),
  attested: optional(attestedBy),
  assurance: optional<Assurance>(oneOf(...ASSURANCES)),
};

const limits = { asking: optional(asking) };

const glass = { break_glass: optional(breakGlass) };

const escalates = { escalation: optional(escalationTo<readonly string[]>(persons)) };

const policyMembers = {
  ...ruleMembers,
  types: list(typeName, { min: 1, max: TYPES_MAX }),
  ...extras,
  ...limits,
  ...escalates,
};
const policyRule1: Shape<PolicyRule> = object<PolicyRule>(policyMembers);
const policyRule2: Shape<PolicyRule> = object<PolicyRule>({
  ...policyMembers,
  proof_classes: anyProofClasses,
});

const delegation = optional<'required'>(oneOf('required'));

const policyRule3: Shape<CedarRule> = object<CedarRule>({
  ...ruleMembers,
  ...extras,
  ...limits,
  delegation,
  ...glass,
  ...quorumTerms,
  proof_classes: anyProofClasses,
  approvers: either(isGroup, group, ruleMembers.approvers),
  seats: optional(seatsOf<NamedPersons>(namedPersons)),
  escalation: optional(escalationTo<NamedPersons>(namedPersons)),
});

const cedarPolicy: Shape<CedarPolicy> = (json, path) => {
  const policy = object<CedarPolicy>({
    v: tag('countersign.policy.v3'),
    cedar: text(CEDAR_CHARACTERS_MAX),
    groups,
    rules: list(policyRule3, { max: RULES_MAX }),
  })(json, path);
  for (const [index, rule] of policy.rules.entries()) {
    const inForce = ruleOf(policy, rule);
    if (inForce === undefined) {
      const named = [rule, rule.escalation ?? {}, ...(rule.seats ?? [])];
      throw unknownGroup(policy.groups, named, `${path}/rules/${index}`);
    }
    assertRule(inForce, `${path}/rules/${index}`);
    for (const seat of inForce.seats ?? []) {
      assertDistinct(seat.approvers, `${path}/rules/${index}/seats`);
    }
    assertQuorum(inForce, `${path}/rules/${index}`);
  }
  return policy;
};

/** A rule with the persons that it names, those of a seat in order; undefined for a group that is not there. */
export function ruleOf(
  policy: Pick<CedarPolicy, 'groups'>,
  { seats, escalation, ...bare }: CedarRule,
): RuleInForce | undefined {
  const approvers =
    bare.approvers === 'any' ? bare.approvers : personsOf(policy.groups, bare.approvers);
  const second = escalation && personsOf(policy.groups, escalation.approvers);
  if (approvers === undefined || (escalation !== undefined && second === undefined)) {
    return undefined;
  }
  const rule = {
    ...bare,
    approvers,
    ...(escalation && second && { escalation: { ...escalation, approvers: second } }),
  };
  if (seats === undefined) return rule;
  const filled = seats.flatMap(({ approvers: named, count }) => {
    const persons = personsOf(policy.groups, named);
    return persons === undefined ? [] : [{ approvers: [...persons].sort(), count }];
  });
  return filled.length === seats.length ? { ...rule, seats: filled } : undefined;
}

function assertRule(
  rule: ApprovalRule & RuleExtras & Escalating & QuorumTerms,
  path: string,
): void {
  assertDistinct(rule.proof_classes, `${path}/proof_classes`);
  assertShort(rule, path);
  assertEscalation(rule, path);
  assertDistinct(rule.escalation?.approvers ?? [], `${path}/escalation/approvers`);
  // A key in a file is bound to nothing: a rule that takes both would mean less than it says.
  const isKept = rule.device_bound === true || rule.attested !== undefined;
  if (isKept && rule.proof_classes.includes('possession')) {
    throw invalid(`${path}/proof_classes`, 'no possession beside device_bound or attested');
  }
  if (rule.approvers === 'any') return;
  assertDistinct(rule.approvers, `${path}/approvers`);
  if (rule.approvers.length < rule.approvals) {
    throw invalid(`${path}/approvers`, 'as many approvers as approvals');
  }
}

/** The bootstrap rule of a ledger: a rule without types. */
export const approvalRule: Shape<BootstrapRule> = (json, path) => {
  const rule = bareRule(json, path);
  assertRule(rule, path);
  return rule;
};

/** @throws BindingError SCHEMA_INVALID, UNKNOWN_MEMBER */
export function parseApprovalRule(json: Json): BootstrapRule {
  return approvalRule(json, 'rule');
}

export const requirement: Shape<Requirement> = object<Requirement>({
  rule: ruleIds,
  approvals: ruleMembers.approvals,
  approvers: ruleMembers.approvers,
  proof_classes: anyProofClasses,
  rationale: ruleMembers.rationale,
  ...extras,
  delegation,
  ...glass,
  ...escalates,
  ...quorumTerms,
});

function policyOf(v: TypePolicy['v'], bare: Shape<PolicyRule>): Shape<TypePolicy> {
  const rule: Shape<PolicyRule> = (json, path) => {
    const parsed = bare(json, path);
    assertRule(parsed, path);
    return parsed;
  };
  return object<TypePolicy>({ v: tag(v), rules: list(rule, { max: RULES_MAX }) });
}

const barePolicy: Shape<Policy> = variant<Policy>('v', {
  'countersign.policy.v1': policyOf('countersign.policy.v1', policyRule1),
  'countersign.policy.v2': policyOf('countersign.policy.v2', policyRule2),
  'countersign.policy.v3': cedarPolicy,
});

export const policyShape: Shape<Policy> = (json, path) => {
  const policy = barePolicy(json, path);
  assertDistinct(
    policy.rules.map((rule) => rule.id),
    `${path}/rules ids`,
  );
  if (isCedarPolicy(policy)) return policy;
  const types = policy.rules.flatMap((rule) => rule.types);
  assertDistinct(types, `${path}/rules types`);
  // Version 2 is for possession alone, so that no policy has two spellings.
  const isLax = policy.rules.some((rule) => rule.proof_classes.includes('possession'));
  if (isLax !== (policy.v === 'countersign.policy.v2')) {
    throw new BindingError('TYPE_CONFUSION', `${path}/v: expected the version of these rules`);
  }
  // The authority's own rule stands in genesis; a policy that could loosen it would be a way round.
  if (types.some(isAuthorityType)) throw invalid(`${path}/rules`, 'no rule for an authority type');
  return policy;
};

/**
 * @throws BindingError SCHEMA_INVALID, UNKNOWN_MEMBER, TYPE_CONFUSION
 * @example ruleFor(parsePolicy(parseStrict(bytes)), 'generic.command')
 */
export function parsePolicy(json: Json): Policy {
  return policyShape(json, 'policy');
}

/** The rule of an action type. No rule means that nothing of this type can be admitted. */
export function ruleFor(policy: TypePolicy, type: string): PolicyRule | undefined {
  return policy.rules.find((rule) => rule.types.includes(type));
}

export function isCedarPolicy(policy: Policy): policy is CedarPolicy {
  return policy.v === 'countersign.policy.v3';
}

/** Whether the bootstrap rule applies instead of the policy. */
export function isAuthorityType(type: string): boolean {
  return type.startsWith('authority.');
}

/** Of a policy document, or of the bootstrap rule where that one applies. */
export function policyDigest(document: Policy | ApprovalRule): Digest {
  return digestOf('countersign/policy/v1', jsonOf(document));
}

export function requirementOf(rule: RuleInForce): Requirement {
  return {
    rule: rule.id,
    approvals: rule.approvals,
    approvers: rule.approvers,
    proof_classes: rule.proof_classes,
    rationale: rule.rationale,
    ...(rule.device_bound === true && { device_bound: true }),
    ...(rule.attested !== undefined && { attested: rule.attested }),
    ...(rule.assurance !== undefined && { assurance: rule.assurance }),
    ...(rule.delegation !== undefined && { delegation: rule.delegation }),
    ...(rule.break_glass !== undefined && { break_glass: rule.break_glass }),
    ...(rule.escalation !== undefined && { escalation: rule.escalation }),
    ...quorumTermsOf(rule),
  };
}
