import type { Action } from './action.ts';
import { batchKinds, itemsOf, orderOf, totalOf, type BatchTotal } from './batch.ts';
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
  if (descriptor.of !== undefined) return batchKinds(factKindsOf(descriptor.of));
  return Object.assign({}, ...rulesOf(descriptor).map(({ kinds }) => kinds)) as FactKinds;
}

/**
 * What is computed from an action, for a policy to compare. Its params have passed `validateParams`.
 * @throws {DescriptorError} LIMIT_EXCEEDED
 */
export function factsOf(descriptor: Descriptor, action: Action): Facts {
  if (descriptor.of !== undefined) return batchFacts(descriptor, action);
  const { params } = action.envelope;
  return Object.assign({}, ...rulesOf(descriptor).map((rules) => rules.of(params))) as Facts;
}

function batchFacts(descriptor: Descriptor, action: Action): Facts {
  const total = batchTotal(descriptor, action);
  return {
    count: itemsOf(descriptor, action).length,
    order: orderOf(action),
    ...(total !== undefined && {
      currency: total.currency,
      total_minor: total.totalMinor,
      largest_minor: total.largestMinor,
    }),
  };
}

/** What a batch comes to in money. @throws {DescriptorError} as `totalOf` */
export function batchTotal(descriptor: Descriptor, action: Action): BatchTotal | undefined {
  const { of } = descriptor;
  if (of === undefined) return undefined;
  const facts = (item: Action): Facts => factsOf(of, item);
  return totalOf(itemsOf(descriptor, action), { kinds: factKindsOf(of), facts });
}
