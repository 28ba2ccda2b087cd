import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { isKeyOfMember, spkiThumbprint } from './credential-key.ts';
import { issuerId, issuerMembers, type IssuerMember } from './issuer-member.ts';
import { invalid, object, oneOf, type Shape } from './shape.ts';

export interface IssuerEnrolled {
  readonly kind: 'issuer-enrolled';
  readonly issuer: Omit<IssuerMember, 'kind'>;
}

export interface IssuerRevoked {
  readonly kind: 'issuer-revoked';
  readonly id: string;
}

export const issuerEnrolled: Shape<IssuerEnrolled> = object<IssuerEnrolled>({
  kind: oneOf('issuer-enrolled'),
  issuer: object<IssuerEnrolled['issuer']>(issuerMembers),
});

export const issuerRevoked: Shape<IssuerRevoked> = object<IssuerRevoked>({
  kind: oneOf('issuer-revoked'),
  id: issuerId,
});

/** An issuer that is known gets the keys and subjects of the new one in place of its own. */
export function withIssuer(
  state: AuthorityState,
  change: IssuerEnrolled | IssuerRevoked,
): AuthorityState {
  if (change.kind === 'issuer-revoked') {
    if (state.has('issuer', change.id)) return state.without('issuer', change.id);
    throw new BindingError('MEMBER_UNKNOWN', 'change: expected an issuer with this id');
  }
  assertIssuer(state, change.issuer);
  return state.with({ kind: 'issuer', ...change.issuer });
}

/** @throws BindingError SCHEMA_INVALID, MEMBER_UNKNOWN, MEMBER_EXISTS */
export function assertIssuer(
  state: AuthorityState,
  { keys, persons, services }: Omit<IssuerMember, 'kind'>,
): void {
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) {
    throw invalid('issuer/keys', 'each key id once');
  }
  const subjects = persons.map(({ sub }) => sub);
  // A person taken for a service would not be excluded.
  const isService = services !== undefined && subjects.some((sub) => sub.startsWith(services));
  if (isService || new Set(subjects).size !== subjects.length) {
    throw invalid('issuer/persons', 'each subject once, and none that is a service');
  }
  if (persons.some(({ person }) => !state.has('person', person))) {
    throw new BindingError('MEMBER_UNKNOWN', 'change: expected persons of the authority');
  }
  // Services of one provider may share a key; nobody who asks, runs or decides has one of them.
  if (keys.some((key) => isKeyOfMember(state, spkiThumbprint(key)))) {
    throw new BindingError('MEMBER_EXISTS', 'change: expected keys that nobody else holds');
  }
}
