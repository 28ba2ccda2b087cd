import type { AgentMember, CedarPolicy, PolicySubject } from '@countersign/binding';
import { factsOf } from '@countersign/descriptors';
import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
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

/** Everything that policies can look at: nothing of it says itself what its rule is. */
export function entitiesOf(
  subject: PolicySubject,
  claims: 'with' | 'without',
  { groups, persons }: { readonly groups: Groups; readonly persons: readonly string[] },
): EntityJson[] {
  const { agent } = subject;
  const known = new Set([agent.owner, ...(agent.person === undefined ? [] : [agent.person])]);
  for (const person of persons) known.add(person);
  return [
    actionEntity(subject, claims),
    agentEntity(agent),
    ...[...known].map((id): EntityJson => personEntity(id, groups)),
  ];
}

function actionEntity(subject: PolicySubject, claims: 'with' | 'without'): EntityJson {
  const { action, descriptor, agent, recent = { count_1h: 0, count_24h: 0 } } = subject;
  const { type, type_version, tenant, executor, max_uses, params } = action.envelope;
  const stated = paramsValue(descriptor, 'stated', params);
  const claimed = claims === 'with' ? paramsValue(descriptor, 'claimed', params) : undefined;
  const attrs: Record<string, CedarValueJson> = {
    ...{ type, type_version, tenant, max_uses },
    reversibility: descriptor.reversibility,
    agent: { __entity: agentOf(agent.id) },
    executor: { id: executor.id, audience: executor.audience },
    facts: factsOf(descriptor, action) as CedarValueJson,
    recent: { count_1h: recent.count_1h, count_24h: recent.count_24h },
  };
  if (stated !== undefined) attrs['params'] = stated;
  if (claimed !== undefined) attrs['claimed'] = claimed;
  return { uid: resourceOf(subject), attrs, parents: [] };
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
