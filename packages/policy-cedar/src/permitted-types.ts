import { isAuthorityType, type CedarPolicy } from '@countersign/binding';
import type { Descriptor } from '@countersign/descriptors';
import { cedar } from './cedar-module.ts';
import { cedarSchema } from './cedar-schema.ts';
import { readText } from './cedar-text.ts';
import { entityTypeOf } from './cedar-type.ts';

/**
 * Of each rule that a permit names, those of these action types that it lets be asked for: by what Cedar's validator says of its
 * head. The policy is without faults.
 */
export function permittedTypes(
  policy: CedarPolicy,
  descriptors: readonly Descriptor[],
): ReadonlyMap<string, readonly Descriptor[]> {
  const schema = cedarSchema(descriptors);
  const resources = new Map<string, Set<string>>();
  for (const { effect, actions, rule = '', text } of readText(policy).policies) {
    if (effect !== 'permit' || actions !== 'ask') continue;
    const answer = cedar().getValidRequestEnvsPolicy(text, schema);
    const found = answer.type === 'success' ? answer.resources : [];
    resources.set(rule, new Set([...(resources.get(rule) ?? []), ...found]));
  }
  const typesOf = (names: ReadonlySet<string>): readonly Descriptor[] =>
    descriptors.filter((each) => !isAuthorityType(each.type) && names.has(entityTypeOf(each)));
  return new Map([...resources].map(([rule, names]) => [rule, typesOf(names)]));
}
