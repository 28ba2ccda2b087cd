import { digestOf, type Digest } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import {
  personClass,
  type IdentityMember,
  type InvitationMember,
  type PersonMember,
} from './authority-member.ts';
import { BindingError } from './binding-error.ts';
import { digest, issuerUrl, personId, time } from './field-shape.ts';
import { p256Key } from './member-key.ts';
import { object, oneOf, optional, type Shape } from './shape.ts';

/** A person is one subject of an identity provider. schemas/formats/authority.md §10 */
export interface PersonTied {
  readonly kind: 'person-tied';
  readonly person: string;
  readonly issuer: string;
  readonly subject_digest: Digest;
  /** Invites the person as well, as `person-invited` does. */
  readonly invited?: {
    readonly class: PersonMember['class'];
    readonly invitation: Pick<InvitationMember, 'id' | 'public_key' | 'not_after'>;
  };
}

export const personTied: Shape<PersonTied> = object<PersonTied>({
  kind: oneOf('person-tied'),
  person: personId,
  issuer: issuerUrl,
  subject_digest: digest,
  invited: optional(
    object<NonNullable<PersonTied['invited']>>({
      class: personClass,
      invitation: object<NonNullable<PersonTied['invited']>['invitation']>({
        id: digest,
        public_key: p256Key,
        not_after: time,
      }),
    }),
  ),
});

/** The tie of a person who is known; a later one takes its place. @throws BindingError MEMBER_UNKNOWN */
export function withTie(state: AuthorityState, change: PersonTied): AuthorityState {
  const { person, issuer, subject_digest } = change;
  if (!state.has('person', person)) {
    throw new BindingError('MEMBER_UNKNOWN', 'change: expected a person with this id');
  }
  const tie: IdentityMember = { kind: 'identity', id: person, issuer, subject_digest };
  return state.with(tie);
}

/** What stands in the log for a subject: whoever has the salt can show whom it names, and nobody else can try. */
export function subjectDigest(of: {
  readonly issuer: string;
  readonly subject: string;
  /** Base64url, of 128 bits or more. */
  readonly salt: string;
}): Digest {
  const { issuer, subject, salt } = of;
  return digestOf('countersign/subject/v1', { issuer, salt, subject });
}
