import type { Action } from './action.ts';
import type { FactRules, FactValue } from './computation.ts';
import { computationOf, isLine, type Descriptor } from './descriptor.ts';

export type FactKinds = FactRules['kinds'];
export type Facts = Readonly<Record<string, FactValue>>;

function rulesOf({ template, claims }: Descriptor): readonly FactRules[] {
  return [...template, ...claims].flatMap((entry) => {
    const facts = isLine(entry) ? undefined : computationOf(entry.computed).facts;
    return facts === undefined ? [] : [facts];
  });
}

/** Which facts are computed from every action of this type. */
export function factKindsOf(descriptor: Descriptor): FactKinds {
  return Object.assign({}, ...rulesOf(descriptor).map(({ kinds }) => kinds)) as FactKinds;
}

/**
 * What is computed from an action, for a policy to compare. Its params have passed `validateParams`.
 * @throws {DescriptorError} LIMIT_EXCEEDED
 */
export function factsOf(descriptor: Descriptor, action: Action): Facts {
  const { params } = action.envelope;
  return Object.assign({}, ...rulesOf(descriptor).map((rules) => rules.of(params))) as Facts;
}
