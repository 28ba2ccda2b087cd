import type { Action, ActionEnvelope, Descriptor } from '@countersign/descriptors';
import { descriptorId, type AgentMember, type Separation } from './authority-member.ts';
import { BindingError, invariant } from './binding-error.ts';
import { cedarSentence, enrolledPersons } from './cedar-sentence.ts';
import { authorityRule } from './fixed-requirement.ts';
import { citedRule, ruleOfType } from './joined-rule.ts';
import type { LedgerState } from './ledger-state.ts';
import {
  isAuthorityType,
  isCedarPolicy,
  policyDigest,
  type ApprovalRule,
  type CedarPolicy,
  type RuleInForce,
} from './policy.ts';
import type { Proceeding } from './proceeding.ts';
import type { Recent } from './recent-counts.ts';
import { recentOf } from './recent-requests.ts';
import { answerableFor } from './sponsor.ts';
import type { AgentRef, Excluded, RequestAdmitted } from './request-entry.ts';

/** Of an action, what decides its admission besides what is shown of it. */
export type Told = Pick<
  ActionEnvelope,
  | 'action_id'
  | 'type'
  | 'type_version'
  | 'acting_for'
  | 'executor'
  | 'not_after'
  | 'max_uses'
  | 'parent_digest'
>;

export interface Terms {
  readonly descriptor: Descriptor;
  /** The rule, or the policy that tells which ones it is. */
  readonly ruling: ApprovalRule | CedarPolicy;
  readonly policyDigest: ReturnType<typeof policyDigest>;
}

export interface Sentence {
  readonly rule: RuleInForce;
  readonly permits?: readonly string[];
  readonly recent?: Recent;
}

/** What this type of action needs. What nobody described, or gave a rule, cannot be asked for. */
export function termsOf(state: LedgerState, { envelope }: { readonly envelope: Told }): Terms {
  const { ledger } = state.authority;
  const id = descriptorId({ name: envelope.type, version: envelope.type_version });
  const enrolled = state.authority.get('descriptor', id);
  const descriptor = enrolled && state.descriptors.get(enrolled.digest);
  assertItemsAllowed(state, descriptor);
  const isAuthority = isAuthorityType(envelope.type);
  const ruling = isAuthority
    ? authorityRule(envelope.type, ledger)
    : rulingOf(state, envelope.type);
  if (descriptor === undefined || ruling === undefined) {
    throw new BindingError('NO_POLICY', 'request: expected a type with a descriptor and a rule');
  }
  const policy = state.authority.get('policy', 'policy');
  invariant(policy !== undefined, 'an authority holds its policy');
  return {
    descriptor,
    ruling,
    policyDigest: isAuthority ? policyDigest(ruling) : policy.digest,
  };
}

function rulingOf({ policy }: LedgerState, type: string): Terms['ruling'] | undefined {
  return isCedarPolicy(policy) ? policy : ruleOfType(policy, type);
}

/** Whatever may not be asked for alone may not be asked for many times. */
function assertItemsAllowed({ authority }: LedgerState, batch: Descriptor | undefined): void {
  const of = batch?.of;
  if (of === undefined) return;
  const id = descriptorId({ name: of.type, version: of.typeVersion });
  if (authority.get('descriptor', id)?.digest === of.digest) return;
  throw new BindingError('NO_POLICY', 'request: expected items of a type with a descriptor');
}

/** The ledger alone says what an action needs: no action has a member for it (attack row F02). */
export function sentenceOf(
  state: LedgerState,
  {
    agent,
    action,
    atMs,
  }: { readonly agent: AgentMember; readonly action: Action; readonly atMs: number },
  { descriptor, ruling, policyDigest: digest }: Terms,
): Sentence {
  if (!('cedar' in ruling)) return { rule: ruling };
  const { authority, policyEngine: engine } = state;
  const chain = personsOf(action.envelope);
  const excluded = excludedOf(agent, chain, authority.ledger.separation);
  const asked = { agent: agent.id, type: action.envelope.type };
  const subject = { action, descriptor, agent, recent: recentOf(state.tables.recent, asked, atMs) };
  return cedarSentence({
    ...subject,
    ...{ policy: ruling, digest, engine },
    enrolled: enrolledPersons(authority),
    excluded: excluded.map(({ person }) => person),
  });
}

/** Without the action there is nothing to evaluate: that the policy has what the entry cites is all that can be derived. */
export function sentenceAgain(
  { state, atMs }: Pick<Proceeding, 'state' | 'atMs'>,
  { ruling, policyDigest: digest }: Terms,
  entry: RequestAdmitted,
): Sentence {
  if (!('cedar' in ruling)) return { rule: ruling };
  const rule = citedRule(ruling, entry);
  if (rule === undefined || entry.permits === undefined) {
    throw new BindingError('NO_POLICY', 'request: expected rules and permits of the policy');
  }
  const isCounted = state.policyEngine.open(ruling, digest)?.readsRecent === true;
  const asked = { agent: entry.agent.id, type: entry.action_type.name };
  const recent = isCounted ? recentOf(state.tables.recent, asked, atMs) : undefined;
  return { rule, permits: entry.permits, ...(recent !== undefined && { recent }) };
}

export function personsOf(envelope: Told): readonly string[] {
  return envelope.acting_for.filter(({ kind }) => kind === 'person').map(({ sub }) => sub);
}

/**
 * Persons are compared, not accounts: whose tool asks, everyone in the chain, and under separation `full` the
 * agent's owner and sponsor. schemas/formats/entries.md §5.
 */
export function excludedOf(
  agent: AgentMember,
  chain: readonly string[],
  separation: Separation,
): readonly Excluded[] {
  const codes = new Map<string, Excluded['code']>();
  for (const person of chain) codes.set(person, 'OWNER_APPROVAL');
  if (separation === 'full') {
    for (const person of answerableFor(agent)) codes.set(person, 'OWNER_APPROVAL');
  }
  if (agent.person !== undefined) codes.set(agent.person, 'SELF_APPROVAL');
  return [...codes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([person, code]) => ({ person, code }));
}

/** The agent as an admission names it. */
export function refOf({ id, key_thumbprint, owner, person, sponsor }: AgentMember): AgentRef {
  return {
    id,
    key_thumbprint,
    owner,
    ...(person !== undefined && { person }),
    ...(sponsor !== undefined && { sponsor }),
  };
}
