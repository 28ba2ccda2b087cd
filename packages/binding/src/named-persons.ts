import { isJsonObject, type Json } from '@countersign/canonical';
import type { BindingError } from './binding-error.ts';
import { personId, ruleId } from './field-shape.ts';
import { APPROVERS_MAX } from './quorum-terms.ts';
import { either, invalid, list, object, type Shape } from './shape.ts';

const GROUPS_MAX = 64;

/** Persons by their ids, or by a group of their policy. */
export type NamedPersons = readonly string[] | { readonly group: string };

/** Person ids by the name of their group. */
export type Groups = Readonly<Record<string, readonly string[]>>;

export const persons: Shape<readonly string[]> = list(personId, { min: 1, max: APPROVERS_MAX });

export const isGroup = (json: Json): boolean => isJsonObject(json);

export const group: Shape<{ readonly group: string }> = object<{ readonly group: string }>({
  group: ruleId,
});

export const namedPersons: Shape<NamedPersons> = either(isGroup, group, persons);

export const groups: Shape<Groups> = (json, path) => {
  if (!isJsonObject(json) || Object.keys(json).length > GROUPS_MAX) {
    throw invalid(path, `an object of at most ${GROUPS_MAX} groups`);
  }
  for (const [name, members] of Object.entries(json)) {
    ruleId(name, `${path} names`);
    assertDistinct(persons(members, `${path}/${name}`), `${path}/${name}`);
  }
  return json as Groups;
};

/** Undefined for a group that is not there. */
export function personsOf(known: Groups, named: NamedPersons): readonly string[] | undefined {
  if (!('group' in named)) return named;
  return Object.hasOwn(known, named.group) ? known[named.group] : undefined;
}

/** Of whoever names one: which there are, and which is none of them. */
export function unknownGroup(
  known: Groups,
  naming: readonly { readonly approvers?: 'any' | NamedPersons }[],
  path: string,
): BindingError {
  const missing = naming.flatMap(({ approvers = 'any' }) =>
    typeof approvers === 'object' &&
    'group' in approvers &&
    personsOf(known, approvers) === undefined
      ? [approvers.group]
      : [],
  );
  const names = Object.keys(known).join(', ');
  return invalid(path, `groups of the policy (${names}), got ${missing.join(', ')}`);
}

export function assertDistinct(values: readonly string[], path: string): void {
  if (new Set(values).size !== values.length) throw invalid(path, 'each once');
}
