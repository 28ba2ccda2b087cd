import type { AgentMember, CedarPolicy, PolicySubject } from '@countersign/binding';
import { factsOf } from '@countersign/descriptors';
import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { Reads } from './cedar-reads.ts';
import { entityTypeOf, paramsValue } from './cedar-type.ts';

type Groups = CedarPolicy['groups'];

export function personOf(id: string): TypeAndId {
  return { type: 'Person', id };
}

export function agentOf(id: string): TypeAndId {
  return { type: 'Agent', id };
}

export function resourceOf({ action, descriptor }: PolicySubject): TypeAndId {
  return { type: entityTypeOf(descriptor), id: action.envelope.action_id };
}

interface Asked {
  readonly groups: Groups;
  readonly persons: readonly string[];
  /** What is looked at of the action: entities are compared by their ids alone, so the rest is not missed. */
  readonly reads: Reads;
}

/** Everything that policies look at: nothing of it says itself what its rule is. */
export function entitiesOf(
  subject: PolicySubject,
  claims: 'with' | 'without',
  { groups, persons, reads }: Asked,
): EntityJson[] {
  const { agent } = subject;
  const known = new Set([agent.owner, ...(agent.person === undefined ? [] : [agent.person])]);
  for (const person of persons) known.add(person);
  return [
    actionEntity(subject, claims, reads),
    agentEntity(agent),
    ...[...known].map((id): EntityJson => personEntity(id, groups)),
  ];
}

function actionEntity(
  subject: PolicySubject,
  claims: 'with' | 'without',
  reads: Asked['reads'],
): EntityJson {
  const { action, descriptor, agent, recent = { count_1h: 0, count_24h: 0 } } = subject;
  const { type, type_version, tenant, executor, max_uses, params } = action.envelope;
  const plain: Readonly<Record<string, CedarValueJson>> = {
    ...{ type, type_version, tenant, max_uses },
    reversibility: descriptor.reversibility,
    agent: { __entity: agentOf(agent.id) },
    executor: { id: executor.id, audience: executor.audience },
    recent: { count_1h: recent.count_1h, count_24h: recent.count_24h },
  };
  const attrs = Object.fromEntries(Object.entries(plain).filter(([name]) => reads.names(name)));
  // What they come to is made only where it is looked at.
  const records: Readonly<Record<string, () => CedarValueJson | undefined>> = {
    facts: () => factsOf(descriptor, action) as CedarValueJson,
    params: () => paramsValue(descriptor, 'stated', params),
    claimed: () => (claims === 'with' ? paramsValue(descriptor, 'claimed', params) : undefined),
  };
  for (const [name, made] of Object.entries(records)) {
    const value = reads.names(name) ? made() : undefined;
    if (value !== undefined) attrs[name] = looked(value, (member) => reads.looksInto(name, member));
  }
  return { uid: resourceOf(subject), attrs, parents: [] };
}

/** Of a record that may hold much, the members that are looked at. */
function looked(value: CedarValueJson, isRead: (member: string) => boolean): CedarValueJson {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => isRead(name)));
}

function agentEntity({ id, owner, operator, person }: AgentMember): EntityJson {
  const attrs: Record<string, CedarValueJson> = {
    owner: { __entity: personOf(owner) },
    operator,
  };
  if (person !== undefined) attrs['person'] = { __entity: personOf(person) };
  return { uid: agentOf(id), attrs, parents: [] };
}

function personEntity(id: string, groups: Groups): EntityJson {
  const parents = Object.entries(groups)
    .filter(([, members]) => members.includes(id))
    .map(([group]) => ({ type: 'Group', id: group }));
  return { uid: personOf(id), attrs: {}, parents };
}
