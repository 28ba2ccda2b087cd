import { fromBase64url, type Digest } from '@countersign/canonical';
import type { AuthorityState } from './authority.ts';
import type { CredentialMember, Member, MemberKind } from './authority-member.ts';
import { BindingError } from './binding-error.ts';
import { assertKeyOf, isKeyHeld, isKeyTaken } from './credential-key.ts';
import { assertIssuer } from './issuer.ts';
import { invalid } from './shape.ts';
import { keyThumbprint } from './signed-object.ts';

/** The ledger runs changes of its authority itself, under this name; nobody else can have it. */
export const LEDGER_EXECUTOR = 'ledger';

/** What a member must agree with among the others. @throws BindingError MEMBER_UNKNOWN, MEMBER_EXISTS, SCHEMA_INVALID */
export function assertMember(others: AuthorityState, next: Member): void {
  if (next.kind === 'issuer') assertIssuer(others, next);
  if (standsAlone(next)) return;
  switch (next.kind) {
    case 'agent':
      assertPerson(others, next.owner);
      if (next.person !== undefined) assertPerson(others, next.person);
      if (next.sponsor !== undefined) assertPerson(others, next.sponsor);
      assertOwnKey(others, next);
      return;
    case 'executor':
      if (next.id === LEDGER_EXECUTOR) throw invalid('executor/id', 'another name');
      assertOwnKey(others, next);
      return;
    case 'invitation':
      assertPerson(others, next.person);
      assertThumbprint(next.public_key, next.id);
      return;
    case 'credential':
      assertPerson(others, next.person);
      assertOwnCredential(others, next);
      return;
  }
}

type Alone = Extract<
  Member,
  {
    kind:
      | 'person'
      | 'log-key'
      | 'home'
      | 'freeze'
      | 'ledger'
      | 'policy'
      | 'descriptor'
      | 'issuer'
      | 'identity'
      | 'deputy';
  }
>;

/** It names nobody else, and holds no key that somebody else could hold. */
function standsAlone(next: Member): next is Alone {
  return !('owner' in next) && !('public_key' in next);
}

function assertPerson(state: AuthorityState, person: string): void {
  if (!state.has('person', person)) throw unknownMember('person');
}

function assertThumbprint(publicKey: string, thumbprint: string): void {
  if (keyThumbprint(fromBase64url(publicKey)) !== thumbprint) {
    throw invalid('member/public_key', 'the key of its thumbprint');
  }
}

/** Two holders of one key could not be told apart. */
function assertOwnKey(
  others: AuthorityState,
  next: { readonly public_key: string; readonly key_thumbprint: Digest },
): void {
  assertThumbprint(next.public_key, next.key_thumbprint);
  if (isKeyHeld(others, next.key_thumbprint)) {
    throw new BindingError('MEMBER_EXISTS', 'member: expected a key that nobody else holds');
  }
}

function assertOwnCredential(others: AuthorityState, next: CredentialMember): void {
  assertKeyOf(next);
  // Two persons with one authenticator would fill two seats of a quorum (attack row D04).
  if (others.retiredCredential(next.id) !== undefined || isKeyTaken(others, next)) {
    throw new BindingError('DUPLICATE_KEY', 'credential: expected a key of its own');
  }
}

export function unknownMember(kind: MemberKind): BindingError {
  return new BindingError('MEMBER_UNKNOWN', `change: expected a ${kind} with this id`);
}
