import type { AuthorityState } from './authority.ts';
import { BindingError } from './binding-error.ts';
import { id, personId, spki } from './field-shape.ts';
import { invalid, list, matching, object, oneOf, optional, type Shape } from './shape.ts';

/** One of an issuer's public keys, as persons have approved it: nothing is ever fetched. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: 'ES256' | 'EdDSA' | 'RS256';
  /** SPKI, base64url. */
  readonly public_key: string;
}

/** Who may say on whose behalf an agent acts. schemas/formats/delegation.md §1. */
export interface IssuerMember {
  readonly kind: 'issuer';
  /** The `iss` of its tokens. */
  readonly id: string;
  readonly keys: readonly IssuerKey[];
  /** Which person of this ledger each of its subjects is. */
  readonly persons: readonly { readonly sub: string; readonly person: string }[];
  /** How the subjects begin that are no persons. Any other subject is nobody known. */
  readonly services?: string;
}

export interface IssuerEnrolled {
  readonly kind: 'issuer-enrolled';
  readonly issuer: Omit<IssuerMember, 'kind'>;
}

export interface IssuerRevoked {
  readonly kind: 'issuer-revoked';
  readonly id: string;
}

const KEYS_MAX = 4;
const PERSONS_MAX = 64;

const issuerId = matching(/^https:\/\/[!-~]{1,190}$/, 'the https URL of an issuer');

const members = {
  id: issuerId,
  keys: list(
    object<IssuerKey>({ kid: id, alg: oneOf('ES256', 'EdDSA', 'RS256'), public_key: spki }),
    { min: 1, max: KEYS_MAX },
  ),
  persons: list(object<IssuerMember['persons'][number]>({ sub: id, person: personId }), {
    max: PERSONS_MAX,
  }),
  services: optional(id),
};

export const issuerMember: Shape<IssuerMember> = object<IssuerMember>({
  kind: oneOf('issuer'),
  ...members,
});

export const issuerEnrolled: Shape<IssuerEnrolled> = object<IssuerEnrolled>({
  kind: oneOf('issuer-enrolled'),
  issuer: object<IssuerEnrolled['issuer']>(members),
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

/** @throws BindingError SCHEMA_INVALID, MEMBER_UNKNOWN */
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
}
