import { type AuthorityChange, parseAuthorityChange } from '@countersign/binding';
import { type Json, parseCanonical, utf8 } from '@countersign/canonical';

export type ChangeOf<K extends AuthorityChange['kind']> = Extract<
  AuthorityChange,
  { readonly kind: K }
>;

/** Of the text of an action of the authority. */
export function changeIn(action: string): AuthorityChange {
  const params = memberOf(parseCanonical(utf8(action)), 'params');
  return parseAuthorityChange(memberOf(params, 'change') ?? null);
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
