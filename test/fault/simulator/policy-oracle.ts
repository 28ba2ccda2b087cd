import {
  type ApprovalRule,
  type CedarPolicy,
  type CedarRule,
  type EntryOf,
  isCedarPolicy,
  type PolicyRule,
  ruleFor,
} from '@countersign/binding';
import { assertAsked } from './asking-oracle.ts';
import { isStillNamed, namedBy } from './escalation-oracle.ts';
import { hold } from './invariant-broken.ts';
import type { OracleAction } from './oracle-action.ts';
import { OWN_TOOL } from './population.ts';
import type { RuleState } from './rule-state.ts';
import { sameJson } from './same-json.ts';
import { isOtherTurn } from './turn-oracle.ts';

/** Every rule for commands comes together with the first one, which alone has limits. */
export function sceneOf(
  state: RuleState,
  entry: EntryOf<'request-admitted' | 'request-refused'>,
  isRuled: boolean,
): Parameters<typeof assertAsked>[1] {
  const isGlass =
    entry.type === 'request-admitted' && entry.action_type.name.startsWith('emergency.');
  const [first] = isRuled && !isGlass ? (state.policy?.rules ?? []) : [];
  const open = [...state.actions.values()].filter(
    ({ status, admission }) => status === 'pending' && admission.agent.id === entry.agent.id,
  );
  return {
    limits: first?.asking,
    open: new Map(open.map(({ id, admission }) => [id, admission.action_type.name])),
    prompts: new Map(
      state.othersThan('').map((person) => [person, state.load.promptsBefore(entry, person)]),
    ),
  };
}

/** Whether the policy in force asks for more than was frozen; the text of a policy in Cedar is one and the same here. */
export function isStricterNow(
  state: RuleState,
  action: OracleAction,
  persons: readonly string[],
): boolean {
  const { admission } = action;
  const policy = state.policy;
  if (policy === undefined || admission.action_type.name.startsWith('authority.')) return false;
  const { requirement: was } = admission;
  const isCedar = isCedarPolicy(policy);
  if (isCedar && admission.permits === undefined) return true;
  const named = isCedar ? was.rule.split('+') : ['default'];
  const now = policy.rules.filter(({ id }) => named.includes(id));
  const isEvery = now.length === named.length && now.every((rule) => isKept(rule, was, persons));
  const isSingle = admission.batch === undefined;
  return !isEvery || (isSingle && now.some((rule) => action.uses.size >= rule.max_uses));
}

export function ruleOf(
  state: RuleState,
  entry: EntryOf<'request-admitted'>,
): ApprovalRule | undefined {
  const policy = state.policy;
  if (policy === undefined) return undefined;
  const isPermitted = isCedarPolicy(policy) === (entry.permits !== undefined);
  hold(isPermitted, 'RULE', `${entry.action_id}: permits, and a policy without, or not`);
  return isCedarPolicy(policy)
    ? ruleInCedar(state, policy, entry)
    : ruleFor(policy, entry.action_type.name);
}

/** What the policies of the population say in Cedar, said again without it. */
function ruleInCedar(
  state: RuleState,
  policy: CedarPolicy,
  entry: EntryOf<'request-admitted'>,
): ApprovalRule | undefined {
  const [usual, , glass, turns] = policy.rules;
  const isEmergency = entry.action_type.name === 'emergency.command';
  if (isEmergency && glass !== undefined) return ruleInEmergency(state, glass, entry);
  const types = ['generic.command', 'payment.grant', 'batch.generic.command'];
  const isPermitted = types.includes(entry.action_type.name);
  if (usual === undefined || turns === undefined || !isPermitted) return undefined;
  const isOwn = entry.agent.person !== undefined;
  // Of a batch each item is asked for too, as if it was alone.
  const isInTurn = !isOwn && entry.action_type.name !== 'payment.grant';
  const other = isInTurn ? ['turns'] : [];
  const permits = ['command', ...(isOwn ? ['own-tool'] : other)];
  hold(sameJson(entry.permits ?? [], permits), 'RULE', `${entry.action_id}: other permits`);
  const distinct = state.othersThan(entry.agent.owner);
  const out = new Set(entry.excluded.map(({ person }) => person));
  const left = distinct.filter((id) => !out.has(id)).length;
  hold(left >= usual.approvals, 'RULE', `${entry.action_id}: admitted, and nobody could decide`);
  if (isInTurn) {
    return { ...namedBy(turns, distinct), id: 'default+turns' };
  }
  if (!isOwn) return { ...usual, approvers: distinct };
  const useWithin = Math.min(usual.use_within_s, OWN_TOOL.use_within_s);
  const own = { id: 'default+own-tool', rationale: OWN_TOOL.rationale, use_within_s: useWithin };
  return { ...usual, ...own, approvers: distinct };
}

function ruleInEmergency(
  state: RuleState,
  glass: CedarRule,
  entry: EntryOf<'request-admitted'>,
): ApprovalRule {
  const { action_id: id, agent } = entry;
  hold(sameJson(entry.permits ?? [], ['emergency']), 'RULE', `${id}: other permits`);
  const approvers = state.othersThan(agent.owner);
  const reviewers = approvers.filter((person) => person !== agent.person).length;
  const needed = state.separation === 'full' ? 3 : 2;
  hold(reviewers >= needed, 'RULE', `${id}: an emergency that nobody could review`);
  return { ...glass, approvers };
}

/** The population's rules differ in nothing else. */
function isKept(
  rule: CedarPolicy['rules'][number] | PolicyRule,
  was: EntryOf<'request-admitted'>['requirement'],
  persons: readonly string[],
): boolean {
  const isSaid = rule.rationale === 'optional' || was.rationale === 'required';
  const isBound = rule.device_bound === undefined || was.device_bound === true;
  const isModel = rule.attested === undefined || sameJson(rule.attested, was.attested ?? []);
  const isTurn = !isOtherTurn(rule, was);
  const areNamed = persons.every((person) => isStillNamed(rule, was, person));
  const group = 'member_of' in rule ? rule.member_of : undefined;
  const isGroup = group === undefined || group.within_s >= (was.member_of?.within_s ?? Infinity);
  const isLetIn = areNamed && isGroup;
  return persons.length >= rule.approvals && isSaid && isBound && isModel && isTurn && isLetIn;
}
