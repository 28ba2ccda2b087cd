import type { PolicyRule, TypePolicy } from '@countersign/binding';

/** The first rule of a policy. */
export function ruleOf({ rules: [rule] }: TypePolicy): PolicyRule {
  if (rule === undefined) throw new Error('expected a rule');
  return rule;
}
