import { id, personId, spki } from './field-shape.ts';
import { list, matching, object, oneOf, optional, type Members, type Shape } from './shape.ts';

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

const KEYS_MAX = 4;
const PERSONS_MAX = 64;

export const issuerId: Shape<string> = matching(
  /^https:\/\/[!-~]{1,190}$/,
  'the https URL of an issuer',
);

export const issuerMembers: Members<Omit<IssuerMember, 'kind'>> = {
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
  ...issuerMembers,
});
