import type { AgentMember, CedarPolicy, PolicySubject } from '@countersign/binding';
import { factsOf, type Action } from '@countersign/descriptors';
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

interface Values {
  readonly stated: CedarValueJson | undefined;
  readonly claimed: CedarValueJson | undefined;
  readonly facts: CedarValueJson;
}

/** Of an action, which is asked about once, and then for each person again. */
const values = new WeakMap<Action, Values>();

function valuesOf({ action, descriptor }: PolicySubject): Values {
  const { params } = action.envelope;
  const of = values.get(action) ?? {
    stated: paramsValue(descriptor, 'stated', params),
    claimed: paramsValue(descriptor, 'claimed', params),
    facts: factsOf(descriptor, action) as CedarValueJson,
  };
  values.set(action, of);
  return of;
}

function actionEntity(
  subject: PolicySubject,
  claims: 'with' | 'without',
  reads: Asked['reads'],
): EntityJson {
  const { action, descriptor, agent, recent = { count_1h: 0, count_24h: 0 } } = subject;
  const { type, type_version, tenant, executor, max_uses } = action.envelope;
  const { stated, claimed, facts } = valuesOf(subject);
  const attrs: Record<string, CedarValueJson> = {
    ...{ type, type_version, tenant, max_uses },
    reversibility: descriptor.reversibility,
    agent: { __entity: agentOf(agent.id) },
    executor: { id: executor.id, audience: executor.audience },
    facts,
    recent: { count_1h: recent.count_1h, count_24h: recent.count_24h },
  };
  if (stated !== undefined) attrs['params'] = stated;
  if (claims === 'with' && claimed !== undefined) attrs['claimed'] = claimed;
  const read = Object.entries(attrs).flatMap(([name, value]): [string, CedarValueJson][] => {
    if (!reads.names(name)) return [];
    const isRecord = RECORDS.has(name) && isObject(value);
    return [[name, isRecord ? membersOf(value, (member) => reads.looksInto(name, member)) : value]];
  });
  return { uid: resourceOf(subject), attrs: Object.fromEntries(read), parents: [] };
}

/** Attributes that may hold much of which little is looked at. */
const RECORDS: ReadonlySet<string> = new Set(['params', 'claimed', 'facts']);

function isObject(value: CedarValueJson): value is Record<string, CedarValueJson> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function membersOf(
  record: Readonly<Record<string, CedarValueJson>>,
  isRead: (member: string) => boolean,
): CedarValueJson {
  return Object.fromEntries(Object.entries(record).filter(([name]) => isRead(name)));
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
