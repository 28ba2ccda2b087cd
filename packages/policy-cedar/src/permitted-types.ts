import { isAuthorityType, type CedarPolicy } from '@countersign/binding';
import type { Descriptor } from '@countersign/descriptors';
import { cedar } from './cedar-module.ts';
import { cedarSchema } from './cedar-schema.ts';
import { readText } from './cedar-text.ts';
import { entityTypeOf } from './cedar-type.ts';

/** Of these action types, those that some permit could let be asked for: by what Cedar's validator says of its head. */
export function permittedTypes(
  policy: CedarPolicy,
  descriptors: readonly Descriptor[],
): readonly Descriptor[] {
  const schema = cedarSchema(descriptors);
  const permits = readText(policy).policies.filter(
    ({ effect, actions }) => effect === 'permit' && actions === 'ask',
  );
  const resources = new Set(
    permits.flatMap(({ text }) => {
      const answer = cedar().getValidRequestEnvsPolicy(text, schema);
      return answer.type === 'success' ? answer.resources : [];
    }),
  );
  return descriptors.filter(
    (each) => !isAuthorityType(each.type) && resources.has(entityTypeOf(each)),
  );
}

/** Ids of the rules that some permit names. */
export function permittedRules(policy: CedarPolicy): ReadonlySet<string> {
  return new Set(readText(policy).policies.flatMap(({ rule }) => rule ?? []));
}
