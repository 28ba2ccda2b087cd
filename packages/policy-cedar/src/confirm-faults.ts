import {
  isAuthorityType,
  isConfirmable,
  type CedarPolicy,
  type PolicyFault,
} from '@countersign/binding';
import type { Descriptor } from '@countersign/descriptors';
import { cedar } from './cedar-module.ts';
import { cedarSchema } from './cedar-schema.ts';
import type { ReadPolicy } from './cedar-text.ts';
import { entityTypeOf } from './cedar-type.ts';

/** Permits whose rule has something typed that not every type which they let be asked for has: policy.md §7.8. */
export function confirmFaults(
  { rules }: CedarPolicy,
  policies: readonly ReadPolicy[],
  descriptors: readonly Descriptor[],
): readonly PolicyFault[] {
  return policies.flatMap(({ id, rule: ruleId, text }) => {
    const confirm = rules.find((rule) => rule.id === ruleId)?.confirm;
    if (confirm === undefined) return [];
    const answer = cedar().getValidRequestEnvsPolicy(text, cedarSchema(descriptors));
    const resources = answer.type === 'success' ? answer.resources : [];
    const without = descriptors.find(
      (each) =>
        !isAuthorityType(each.type) &&
        resources.includes(entityTypeOf(each)) &&
        !isConfirmable(each, confirm),
    );
    if (without === undefined) return [];
    const message = `expected ${confirm.field} to be a text that ${without.type} carries out`;
    return [{ id, message }];
  });
}
